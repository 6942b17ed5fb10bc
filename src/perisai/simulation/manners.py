"""How objects of a raid find their way: lengths and scatter of legs, sizes of groups, detours, loitering."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """Of drones or of cruise missiles.

    group: sizes from, to (not reached): those that set out together. trail_share: of groups, that keep one way to one
    place, in trail; of the others each goes its own way to a place that lies within some apart_m of the first's.
    leg_m: shortest and longest leg, m; none is longer than leg_share of the way left, so that no turn before a target
    is sharp. scatter_deg: of a leg's course off the bearing of where it goes, 1 sigma. last_m: a run of up to last_m
    and the shortest leg is the last. detour_share: of ways, by a place beside; loiter_share: of ways, that circle once;
    leave_share: of objects, that turn on the way to another target ahead of them.
    """

    group: tuple[int, int]
    trail_share: float
    apart_m: float
    leg_m: tuple[float, float]
    leg_share: float
    scatter_deg: float
    last_m: float
    detour_share: float = 0.0
    loiter_share: float = 0.0
    leave_share: float = 0.0


# Chosen on seeds 101, 103 and 105 so that nights cost what ../shared/ALERTING.md measured: docs/adr/0018.
DRONES = Manners(
    group=(1, 6),
    trail_share=0.25,
    apart_m=50e3,
    leg_m=(20e3, 60e3),
    leg_share=0.5,
    scatter_deg=12.0,
    last_m=10e3,
    detour_share=0.15,
    loiter_share=0.05,
    leave_share=0.1,
)
CRUISE = Manners(
    group=(1, 6), trail_share=0.25, apart_m=50e3, leg_m=(40e3, 150e3), leg_share=0.5, scatter_deg=12.0, last_m=25e3
)
