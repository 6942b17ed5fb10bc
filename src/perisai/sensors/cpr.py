"""Compact position reporting: airborne positions of ADS-B from their even and odd halves, with the latest velocity.

ICAO Doc 9871, appendix C.2.6: the globally unambiguous decoding (C.2.6.7) of a pair not further apart than 10 s, and
the locally unambiguous one (C.2.6.5) beside the last position. Angles in this module are degrees, as in the standard.
"""

import math

import numpy as np

from perisai.geodesy import ecef_from_geodetic, kernel

PAIR_S = 10.0
LOCAL_S = 60.0
VELOCITY_S = 5.0
"""A velocity older than this is not joined to a position."""

MAX_SPEED_MPS = 1_000.0
MARGIN_M = 2_000.0
STRIKES = 3
"""So many implausible positions in a row, and the last believed one is given up."""

FOUND, ALONE, IMPLAUSIBLE = 0, 1, 2

# State of one aircraft: latest even half, latest odd half, last position, last velocity, strikes.
EVEN, ODD, LAST, VELOCITY, STRIKE, WIDTH = 0, 3, 6, 9, 13, 14


class Aircraft:
    """What is remembered of each aircraft between messages: a row of numbers per address."""

    def __init__(self) -> None:
        self.rows: dict[int, int] = {}
        self.state = np.full((64, WIDTH), np.nan)

    def index(self, addresses: np.ndarray) -> np.ndarray:
        """Row of each address, int64 (n,); new ones are added."""
        known = np.unique(addresses)
        for address in known.tolist():
            self.rows.setdefault(address, len(self.rows))
        if len(self.rows) > len(self.state):
            grown = np.full((2 * len(self.rows), WIDTH), np.nan)
            grown[: len(self.state)] = self.state
            self.state = grown
        of_known = np.array([self.rows[address] for address in known.tolist()], np.int64)
        return of_known[np.searchsorted(known, addresses)]

    def forget(self, before_s: float) -> None:
        """Drop aircraft last heard before a time, s since 1970."""
        heard = np.nanmax(np.nan_to_num(self.state[:, (EVEN + 2, ODD + 2, VELOCITY + 3)], nan=-np.inf), axis=1)
        kept = [address for address, row in self.rows.items() if heard[row] >= before_s]
        state = np.full((max(64, 2 * len(kept)), WIDTH), np.nan)
        for row, address in enumerate(kept):
            state[row] = self.state[self.rows[address]]
        self.rows = {address: row for row, address in enumerate(kept)}
        self.state = state


def resolve(aircraft: Aircraft, addresses: np.ndarray, time_s: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Positions of messages in order of time; `aircraft` is updated.

    addresses: int64 (n,). values: float64 (n, 4): a position message has (0, odd, cpr latitude, cpr longitude) with the
    17-bit numbers as sent; a velocity message (1, east, north, up) in m/s.
    Returns float64 (n, 6): verdict (FOUND, ALONE, IMPLAUSIBLE; NaN for velocities), lat, lon, east, north, up.
    """
    rows = aircraft.index(addresses)
    found = np.full((addresses.size, 6), np.nan)
    _resolve(aircraft.state, rows, time_s, values, found)
    return found


@kernel
def _resolve(state, rows, time_s, values, found):
    for i in range(rows.size):
        own = state[rows[i]]
        if values[i, 0] == 1.0:
            own[VELOCITY : VELOCITY + 3] = values[i, 1:4]
            own[VELOCITY + 3] = time_s[i]
            continue
        odd = values[i, 1] == 1.0
        slot = ODD if odd else EVEN
        own[slot] = values[i, 2] / 131072.0
        own[slot + 1] = values[i, 3] / 131072.0
        own[slot + 2] = time_s[i]
        verdict, lat, lon = _position(own, odd, time_s[i])
        found[i, 0] = verdict
        if verdict != FOUND:
            continue
        found[i, 1], found[i, 2] = lat, lon
        if time_s[i] - own[VELOCITY + 3] <= VELOCITY_S:
            found[i, 3:6] = own[VELOCITY : VELOCITY + 3]


@kernel
def _position(own, odd, now_s):
    known = now_s - own[LAST + 2] <= LOCAL_S
    if known:
        slot = ODD if odd else EVEN
        lat, lon = _local(own[slot], own[slot + 1], odd, own[LAST], own[LAST + 1])
    elif abs(own[EVEN + 2] - own[ODD + 2]) <= PAIR_S:
        lat, lon = _global(own[EVEN], own[EVEN + 1], own[ODD], own[ODD + 1], odd)
    else:
        return ALONE, math.nan, math.nan
    if math.isnan(lat) or abs(lat) > 90.0:
        return ALONE, math.nan, math.nan
    if known:
        reach_m = MAX_SPEED_MPS * (now_s - own[LAST + 2]) + MARGIN_M
        if _distance_m(own[LAST], own[LAST + 1], lat, lon) > reach_m:
            own[STRIKE] = 1.0 if math.isnan(own[STRIKE]) else own[STRIKE] + 1.0
            if own[STRIKE] >= STRIKES:
                own[LAST + 2] = math.nan
                own[STRIKE] = 0.0
            return IMPLAUSIBLE, math.nan, math.nan
    own[LAST], own[LAST + 1], own[LAST + 2], own[STRIKE] = lat, lon, now_s, 0.0
    return FOUND, lat, lon


@kernel
def _distance_m(lat1, lon1, lat2, lon2):
    """Of the straight line through the Earth, near enough for a bound."""
    x1, y1, z1 = ecef_from_geodetic(math.radians(lat1), math.radians(lon1), 0.0)
    x2, y2, z2 = ecef_from_geodetic(math.radians(lat2), math.radians(lon2), 0.0)
    return math.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2 + (z2 - z1) ** 2)


@kernel
def _zones(lat):
    """NL: number of longitude zones at a latitude (Doc 9871, C.2.6.2 d)."""
    if abs(lat) < 1e-9:
        return 59
    if abs(lat) >= 87.0:
        return 2 if abs(lat) == 87.0 else 1
    a = 1.0 - math.cos(math.pi / 30.0)
    return math.floor(2.0 * math.pi / math.acos(1.0 - a / math.cos(math.radians(lat)) ** 2))


@kernel
def _global(even_lat, even_lon, odd_lat, odd_lon, odd):
    j = math.floor(59.0 * even_lat - 60.0 * odd_lat + 0.5)
    lat_even = 6.0 * (j % 60 + even_lat)
    lat_odd = 360.0 / 59.0 * (j % 59 + odd_lat)
    if lat_even >= 270.0:
        lat_even -= 360.0
    if lat_odd >= 270.0:
        lat_odd -= 360.0
    zones = _zones(lat_even)
    if zones != _zones(lat_odd):
        return math.nan, math.nan
    m = math.floor(even_lon * (zones - 1) - odd_lon * zones + 0.5)
    n = max(zones - 1, 1) if odd else max(zones, 1)
    lon = 360.0 / n * (m % n + (odd_lon if odd else even_lon))
    return (lat_odd if odd else lat_even), (lon - 360.0 if lon >= 180.0 else lon)


@kernel
def _local(cpr_lat, cpr_lon, odd, near_lat, near_lon):
    step = 360.0 / 59.0 if odd else 6.0
    lat = step * (math.floor(0.5 + near_lat / step - cpr_lat) + cpr_lat)
    step = 360.0 / max(_zones(lat) - (1 if odd else 0), 1)
    lon = step * (math.floor(0.5 + near_lon / step - cpr_lon) + cpr_lon)
    return lat, (lon + 180.0) % 360.0 - 180.0
