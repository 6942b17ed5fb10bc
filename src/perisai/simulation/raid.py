"""The raid of a night: what the record says was launched, flown from its launch areas to populated places."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perisai.geodesy import distance_m, from_plane, to_plane
from perisai.model import Areas

from .ballistic import shoot
from .flights import Flight, cut, from_ecef, on_earth
from .manners import CRUISE, DRONES
from .motion import follow
from .record import Night, Wave, launch_areas
from .routes import Targets, beside, dog_legs, loiter, targets_of

# Where the record names no launch area: those it names most for the type.
_USUAL = {
    "drone": ("Kursk oblast", "Primorsko-Akhtarsk", "Oryol oblast", "Millerovo", "Bryansk oblast", "Chauda, Crimea"),
    "recon": ("Kherson oblast", "Zaporizhzhia oblast", "Donetsk oblast", "Belgorod oblast"),
    "cruise": ("Saratov oblast", "Caspian Sea", "Black Sea", "Kursk oblast"),
    "ballistic": ("Crimea", "Voronezh oblast", "Belgorod oblast", "Kursk oblast"),
    "glide_bomb": ("Belgorod oblast", "Donetsk oblast", "Zaporizhzhia oblast"),
}
# The launch areas belong to Ukraine; for areas elsewhere the whole geometry moves to their middle.
_HOME = (48.9, 31.4)
_HOME_REACH_M = 500e3
_JET_SHARE = 0.03
BALLISTIC_PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class _Member:
    """One object of a group: its own generator, launch point (2,) and delay after the group's first, s."""

    rng: np.random.Generator
    start: np.ndarray
    delay_s: float


def fly(night: Night, seed: int, areas: Areas, period_s: float = 10.0) -> Iterator[Flight]:
    """The hostile flights of a night, wave by wave; each object has a generator of its own.

    period_s: spacing of the rows of drones; cruise missiles and glide bombs have half of it, ballistic ones 1 s.
    """
    root = (seed, night.date.toordinal())
    targets = targets_of(areas, _generator(root, 0))
    for number, wave in enumerate(night.waves, start=1):
        yield from _wave(wave, targets, (*root, number), period_s)


def _generator(root: tuple[int, ...], *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(root[0], spawn_key=(*root[1:], *key)))


def _wave(wave: Wave, targets: Targets, root: tuple[int, ...], period_s: float) -> Iterator[Flight]:
    rng = _generator(root, 0)
    stopped = np.zeros(wave.launched, dtype=bool)
    stopped[rng.permutation(wave.launched)[: wave.stopped]] = True
    done = group = 0
    while done < wave.launched:
        group += 1
        lead = _generator(root, group)
        size = min(int(lead.integers(*_GROUP_SIZES[wave.type])), wave.launched - done)
        names = wave.areas or _USUAL[wave.type]
        area = launch_areas()[names[(group + int(rng.integers(len(names)))) % len(names)]]
        middle = _launch_point(targets, area.lat, area.lon)
        spread = area.spread_m * lead.normal(0.0, 0.5, 2)
        members = [
            _Member(
                _generator(root, group, i + 1),
                middle + spread + lead.normal(0.0, min(500.0, area.spread_m), 2),
                i * float(lead.uniform(20.0, 60.0)),
            )
            for i in range(size)
        ]
        flights = _FLOWN[wave.type](lead, members, targets, period_s)
        first_us = _launch_time(lead, wave, max(float(rows[-1, 0]) for _, rows in flights))
        for i, (kind, rows) in enumerate(flights):
            down = stopped[done + i]
            lands = wave.type != "recon"
            if down:
                rows = cut(rows, rows[-1, 0] * _stop_share(members[i].rng, wave.type))
            start_us = first_us + round(members[i].delay_s) * 1_000_000
            yield Flight(start_us, rows, kind, True, bool(lands and not down))
        done += size


def _launch_point(targets: Targets, lat: float, lon: float) -> np.ndarray:
    middle = np.degrees([targets.plane.lat0_rad, targets.plane.lon0_rad])
    if float(distance_m(*_HOME, *middle)) > _HOME_REACH_M:
        lat = float(np.clip(lat + middle[0] - _HOME[0], -85.0, 85.0))
        lon = (lon + middle[1] - _HOME[1] + 180.0) % 360.0 - 180.0
    east, north = to_plane(targets.plane, np.array([lat]), np.array([lon]))
    return np.array([east[0], north[0]])


def _launch_time(rng: np.random.Generator, wave: Wave, flight_s: float) -> int:
    """A launch so that the group arrives inside the wave's span where that is long enough, in whole seconds."""
    span_s = max((wave.end_us - wave.start_us) / 1e6 - flight_s, 600.0)
    return wave.start_us + round(span_s * rng.random()) * 1_000_000


def _stop_share(rng: np.random.Generator, kind: str) -> float:
    """The share of its flight an object makes that does not arrive: drones anywhere over land, missiles late."""
    return float(rng.uniform(0.85, 0.97) if kind == "ballistic" else 0.2 + 0.78 * rng.beta(2.5, 1.3))


def _dive(points: list[np.ndarray], heights: list[float], dive_m: float) -> np.ndarray:
    """Way-points (k, 3) with the last run broken where the dive to the ground begins."""
    run = points[-1] - points[-2]
    begin = points[-1] - run * min(0.9, dive_m / float(np.hypot(*run)))
    return np.column_stack([np.array([*points[:-1], begin, points[-1]]), [*heights, heights[-1], 0.0]])


def _drones(lead: np.random.Generator, members: list[_Member], targets: Targets, period_s: float):
    """A group of attack drones: in trail to one place, or each by a way of its own to a place near the others'."""
    goal = targets.choose(lead, members[0].start, 450e3, 40e3)
    plan = _way(lead, members[0].start, goal)
    trail = lead.random() < DRONES.trail_share
    jet = lead.random() < _JET_SHARE
    low = lead.random() < 0.35
    height = float(lead.uniform(80.0, 400.0) if low else lead.uniform(600.0, 3500.0))
    flights: list[tuple[str, np.ndarray]] = []
    for member in members:
        rng = member.rng
        own = plan if trail else _way(rng, member.start, targets.choose(rng, goal, DRONES.apart_m))
        if rng.random() < DRONES.leave_share and len(own) > 3:
            at = int(rng.integers(1, len(own) - 1))
            run = own[at] - own[at - 1]
            other = targets.choose(rng, own[at], 150e3, 20e3, run / max(float(np.hypot(*run)), 1.0))
            own = own[:at] + dog_legs(rng, own[at], other, DRONES)
        offset = rng.normal(0.0, 400.0, 2)
        points = [member.start, *(point + offset for point in own[1:-1]), own[-1] + rng.normal(0.0, 300.0, 2)]
        heights = [30.0, *np.maximum(60.0, height + rng.normal(0.0, 0.12 * height, len(points) - 2))]
        speed = rng.uniform(110.0, 160.0) if jet else rng.uniform(50.0, 52.8)
        way = _dive(points, heights, max(600.0, 1.3 * heights[-1]))
        rows = follow(way, speed, 3.0, 12.0 if jet else 3.0, period_s / (2 if jet else 1))
        flights.append(("drone", on_earth(targets.plane, rows)))
    return flights


def _way(rng: np.random.Generator, start: np.ndarray, goal: np.ndarray) -> list[np.ndarray]:
    """Points (2,) of a drone's way to its goal: dog-legs, at times by a place beside the way or with a loiter."""
    way = [start]
    if rng.random() < DRONES.detour_share:
        way = dog_legs(rng, start, beside(rng, start, goal), DRONES)
    way = way[:-1] + dog_legs(rng, way[-1], goal, DRONES)
    if rng.random() < DRONES.loiter_share and len(way) > 2:
        at = int(rng.integers(1, len(way) - 1))
        way[at + 1 : at + 1] = loiter(rng, way[at], float(rng.uniform(2.5e3, 5e3)), float(rng.uniform(1.0, 3.0)))
    return way


def _recon(lead: np.random.Generator, members: list[_Member], targets: Targets, period_s: float):
    """A reconnaissance drone: to a place near its launch area, round it, and back; it does not come down there."""
    flights: list[tuple[str, np.ndarray]] = []
    for member in members:
        rng = member.rng
        place = targets.choose(rng, member.start, 40e3)
        circle = loiter(rng, place, float(rng.uniform(3e3, 8e3)), float(rng.uniform(1.0, 4.0)))
        points = [member.start, *circle, member.start + rng.normal(0.0, 1e3, 2)]
        height = rng.uniform(800.0, 2500.0)
        way = np.column_stack([np.array(points), [50.0, *[height] * (len(points) - 2), 50.0]])
        flights.append(("drone", on_earth(targets.plane, follow(way, rng.uniform(28.0, 42.0), 4.0, 3.0, period_s))))
    return flights


def _cruise(lead: np.random.Generator, members: list[_Member], targets: Targets, period_s: float):
    """Cruise missiles of a salvo, 30-150 m over land: in trail, or each by its own way to a place near the others'."""
    goal = targets.choose(lead, members[0].start, 600e3, 80e3)
    plan = dog_legs(lead, members[0].start, goal, CRUISE)
    trail = lead.random() < CRUISE.trail_share
    flights: list[tuple[str, np.ndarray]] = []
    for member in members:
        rng = member.rng
        offset = rng.normal(0.0, 600.0, 2)
        own = plan if trail else dog_legs(rng, member.start, targets.choose(rng, goal, CRUISE.apart_m), CRUISE)
        points = [member.start, *(point + offset for point in own[1:-1]), own[-1] + rng.normal(0.0, 200.0, 2)]
        heights = [2000.0, *rng.uniform(30.0, 150.0, len(points) - 2)]
        if len(points) == 2:
            heights = [100.0]
        rows = follow(_dive(points, heights, 1500.0), rng.uniform(195.0, 250.0), 4.0, 20.0, period_s / 2)
        flights.append(("cruise", on_earth(targets.plane, rows)))
    return flights


def _ballistic(lead: np.random.Generator, members: list[_Member], targets: Targets, period_s: float):
    """Ballistic and aeroballistic missiles, each on an arc of its own; a salvo shares its target area."""
    goal = targets.choose(lead, members[0].start, 150e3, 60e3)
    flights: list[tuple[str, np.ndarray]] = []
    for member in members:
        rng = member.rng
        points = np.array([member.start, goal + rng.normal(0.0, 400.0, 2)])
        lat, lon = from_plane(targets.plane, points[:, 0], points[:, 1])
        shot = shoot(
            (lat[0], lon[0], 0.0),
            (lat[1], lon[1]),
            float(rng.uniform(38.0, 50.0)),
            float(rng.lognormal(np.log(12_000.0), 0.25)),
            BALLISTIC_PERIOD_S,
        )
        flights.append(("ballistic", from_ecef(shot.rows)))
    return flights


def _glide_bombs(lead: np.random.Generator, members: list[_Member], targets: Targets, period_s: float):
    """Glide bombs: released high, 40-60 km from a place near the launch area, straight down to it."""
    flights: list[tuple[str, np.ndarray]] = []
    goal = targets.choose(lead, members[0].start, 30e3)
    away = members[0].start - goal
    away = away / max(float(np.hypot(*away)), 1.0)
    release = goal + away * lead.uniform(40e3, 60e3)
    for member in members:
        rng = member.rng
        points = np.array([release + rng.normal(0.0, 800.0, 2), goal + rng.normal(0.0, 300.0, 2)])
        way = np.column_stack([points, [rng.uniform(9e3, 11e3), 0.0]])
        flights.append(("glide_bomb", on_earth(targets.plane, follow(way, rng.uniform(180.0, 230.0), 3.0, 60.0, 2.0))))
    return flights


_FLOWN = {"drone": _drones, "recon": _recon, "cruise": _cruise, "ballistic": _ballistic, "glide_bomb": _glide_bombs}
_GROUP_SIZES = {
    "drone": DRONES.group,
    "recon": (1, 2),
    "cruise": CRUISE.group,
    "ballistic": (1, 4),
    "glide_bomb": (2, 5),
}
