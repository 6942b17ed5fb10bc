"""Whether a sensor can see a track at all, and how likely it reports it."""

import math

from perisai.kernels import loop

from .sites import BEARING, MODES, PRESENCE, RADAR_KINDS, REMOTE_ID, RINGS, SECTORS, SIDE, Sites

HORIZON_M = 4_120.0
"""Radar horizon of 4/3 Earth: 4.12 km times the square root of the height in metres."""
LOW_M = 60.0
MARGIN_M = 200.0
UNSEEN_CHANCE = 0.3
"""Least detection probability granted to a pair: that there is a detection speaks for being seen."""
LEAST_SHARE = 0.1
"""Least density of undetected targets, in that of false reports: where a sensor is all clutter, targets still start."""


@loop
def cell_of(de, dn, reach):
    """The cell of a sensor's coverage that a place (m east, north of it) lies in: squares over its disc, by rows."""
    column = min(max(int(0.5 * (de / reach + 1.0) * SIDE), 0), SIDE - 1)
    row = min(max(int(0.5 * (dn / reach + 1.0) * SIDE), 0), SIDE - 1)
    return row * SIDE + column


@loop
def blind(sites: Sites, s, de, dn):
    """Whether sensor s told that it cannot see a place (m east, north of it): by its state, or where it looks."""
    if not sites.told[s]:
        return False
    if sites.share[s] <= 0.0:
        return True
    ring = min(int(math.sqrt(de * de + dn * dn) / sites.max_range_m[s] * RINGS), RINGS - 1)
    turn = math.atan2(de, dn) / (2.0 * math.pi)
    sector = min(int((turn if turn >= 0.0 else turn + 1.0) * SECTORS), SECTORS - 1)
    return (int(sites.seen[s, sector]) >> ring) & 1 == 0


@loop
def detection_chance(sites: Sites, s, east, north, height_m, height_known, reported):
    """Probability that sensor s reports a target at a place of the plane (m) in one scan; 0 outside its coverage,
    or where it told that it cannot see.

    reported: s has reported this target before. Where the height is unknown, the target may fly under the horizon of
    every radar that has not reported it: only a place seen down to LOW_M counts against it then.
    """
    de = east - sites.east_m[s]
    dn = north - sites.north_m[s]
    d2 = de * de + dn * dn
    reach = sites.max_range_m[s]
    kind = sites.kind[s]
    if blind(sites, s, de, dn):
        return 0.0
    if kind == PRESENCE:
        return sites.share[s] * sites.pd[s] * math.exp(-0.5 * d2 / (sites.sigma_m[s] * sites.sigma_m[s]))
    if d2 > reach * reach:
        return 0.0
    if d2 < sites.min_range_m[s] * sites.min_range_m[s]:
        return 0.0
    if kind <= RADAR_KINDS and not reported:
        top = max(height_m - MARGIN_M, 0.0) if height_known else LOW_M
        horizon = HORIZON_M * (math.sqrt(max(sites.alt_m[s], 10.0)) + math.sqrt(top))
        if d2 > horizon * horizon:
            return 0.0
    pd = sites.pd_map[s, cell_of(de, dn, reach)]
    return sites.share[s] * min(pd, sites.most_pd[s]) if sites.told[s] else pd


@loop
def penalises(kind):
    """Whether silence of this kind of sensor in a scan speaks against a track: not where the target must cooperate."""
    return kind not in (MODES, REMOTE_ID, BEARING, PRESENCE)


@loop
def densities(clutter, max_range_m, sigma_m, s, form, z, mask, j, undetected_per_m2):
    """(false reports, undetected targets) per unit of the measurement space of detection j.

    clutter: false reports a scan, were they everywhere as dense as at this place. They spread over heights of 10 km,
    velocities of 500 m/s, rates of 600 m/s.
    """
    extra = 1.0
    reach = max_range_m[s]
    if form == 0:
        if mask[j, 2]:
            extra /= 10_000.0
        if mask[j, 3]:
            extra /= 500.0 * 500.0
        if mask[j, 5]:
            extra /= 100.0
        false = clutter / (math.pi * reach * reach)
        return extra * false, extra * max(undetected_per_m2, LEAST_SHARE * false)
    if form == 1:
        if mask[j, 2]:
            extra /= 0.5 * math.pi
        if mask[j, 3]:
            extra /= 600.0
        false = clutter / (math.pi * reach * reach)
        return extra * false * z[j, 0], extra * max(undetected_per_m2, LEAST_SHARE * false) * z[j, 0]
    if form == 2:
        return clutter / (2.0 * math.pi), undetected_per_m2 * 0.5 * reach * reach
    # A microphone has no other way to know: what it reports is a target or one of its false alarms, even odds.
    false = clutter / (2.0 * math.pi * sigma_m[s] * sigma_m[s])
    return false, false
