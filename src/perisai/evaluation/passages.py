"""What really threatened whom: when each hostile object came within the danger radius of each area."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.geodesy import MEAN_RADIUS_M, kernel, plane_at, segment_in_circle, to_plane
from perisai.model import KINDS, Areas, floats, time_us

DANGER_RADIUS_M = 3000.0
LEAD_S = {"drone": 300.0, "cruise": 120.0, "ballistic": 60.0, "glide_bomb": 60.0, "aircraft": 120.0}
"""Drone, cruise and ballistic as ../shared/ALERTING.md; the others by their speed."""
BALLISTIC = KINDS.index("ballistic")


@dataclass(frozen=True, slots=True)
class Flights:
    """Hostile truth on a plane, rows by object and time: east, north m; time s since `origin_us`; first (objects + 1,).

    kind, fell (objects,): index in KINDS; whether the last row is an impact. number (objects,): truth's own.
    """

    origin_us: int
    time: np.ndarray
    east: np.ndarray
    north: np.ndarray
    first: np.ndarray
    kind: np.ndarray
    fell: np.ndarray
    number: np.ndarray

    @property
    def born(self) -> np.ndarray:
        """Time of each object's first row, s."""
        return self.time[self.first[:-1]]

    @property
    def died(self) -> np.ndarray:
        """Time of each object's last row, s."""
        return self.time[self.first[1:] - 1]


@dataclass(frozen=True, slots=True)
class Circles:
    """The areas on the same plane: centre, radius of the circle of equal area, m; weight: residents, at least 500."""

    east: np.ndarray
    north: np.ndarray
    radius: np.ndarray
    scale: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, slots=True)
class Passages:
    """m passages: object (row of Flights), area, entry and exit in seconds, and the lead its kind needs, s."""

    object: np.ndarray
    area: np.ndarray
    enter: np.ndarray
    leave: np.ndarray
    lead: np.ndarray
    counted: np.ndarray
    """Whether the object flew at least the lead before it entered: then a warning in time was possible."""


def on_plane(truth: pa.Table, areas: Areas) -> tuple[Flights, Circles]:
    """Hostile objects (null counts as hostile) and areas on one plane. truth: a table of the schema `truth`."""
    plane = plane_at(float((areas.lat.min() + areas.lat.max()) / 2), float((areas.lon.min() + areas.lon.max()) / 2))
    east, north = to_plane(plane, areas.lat, areas.lon)
    scale = 1.0 + (east**2 + north**2) / (4.0 * MEAN_RADIUS_M**2)
    circles = Circles(east, north, areas.radius_m * scale, scale, np.maximum(areas.population, 500.0))
    truth = truth.filter(pc.fill_null(truth["hostile"], True)).sort_by([("object", "ascending"), ("time", "ascending")])
    objects = truth["object"].combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64)
    number, first = np.unique(objects, return_index=True)
    first = np.append(first, len(objects))
    when = time_us(truth["time"])
    origin_us = int(when.min()) if len(when) else 0
    x, y = to_plane(plane, floats(truth["lat"]), floats(truth["lon"]))
    kind = pc.index_in(truth["kind"], value_set=pa.array(KINDS)).combine_chunks().fill_null(0)
    known = truth["impact"].null_count < truth.num_rows
    fell = np.asarray(pc.fill_null(truth["impact"], not known).combine_chunks().to_numpy(zero_copy_only=False), bool)
    last = first[1:] - 1
    kinds = kind.to_numpy(zero_copy_only=False)[first[:-1]].astype(np.int64)
    return Flights(origin_us, (when - origin_us) / 1e6, x, y, first, kinds, fell[last], number), circles


@kernel
def _inside(time, x, y, first, last, east, north, radius, gap, out, count, limit, number):
    """Append (object, area, enter, leave) of one object; passages of one area closer than `gap` seconds are one."""
    low_x, high_x = x[first:last].min(), x[first:last].max()
    low_y, high_y = y[first:last].min(), y[first:last].max()
    for a in range(east.size):
        r = radius[a]
        if east[a] + r < low_x or east[a] - r > high_x or north[a] + r < low_y or north[a] - r > high_y:
            continue
        enter, leave = -1.0, -1.0
        for i in range(first, last - 1):
            s, e = segment_in_circle(east[a], north[a], r, x[i], y[i], x[i + 1] - x[i], y[i + 1] - y[i])
            if s > e:
                continue
            duration = time[i + 1] - time[i]
            t0, t1 = time[i] + s * duration, time[i] + e * duration
            if enter < 0.0:
                enter, leave = t0, t1
            elif t0 - leave <= gap:
                leave = t1
            else:
                if count < limit:
                    out[count, 0], out[count, 1], out[count, 2], out[count, 3] = number, a, enter, leave
                count += 1
                enter, leave = t0, t1
        if enter >= 0.0:
            if count < limit:
                out[count, 0], out[count, 1], out[count, 2], out[count, 3] = number, a, enter, leave
            count += 1
    return count


@kernel
def _all_inside(time, x, y, first, use, east, north, radius, gap, out, limit):
    count = 0
    for k in range(first.size - 1):
        if use[k] and first[k + 1] > first[k] + 1:
            count = _inside(
                time, x, y, first[k], first[k + 1], east, north, radius, gap[k], out, count, limit, k
            )  # fmt: skip
    return count


def within(flights: Flights, circles: Circles, margin_m: float, use: np.ndarray, gap_s: np.ndarray) -> np.ndarray:
    """(object, area, enter, leave) of every stay of the chosen objects within margin_m of a circle, float64 (m, 4)."""
    limit = 65_536
    radius = circles.radius + margin_m * circles.scale
    while True:
        out = np.empty((limit, 4))
        count = _all_inside(
            flights.time, flights.east, flights.north, flights.first, use, circles.east, circles.north, radius,
            gap_s, out, limit,
        )  # fmt: skip
        if count <= limit:
            return out[:count]
        limit = count


def passages(flights: Flights, circles: Circles, danger_radius_m: float = DANGER_RADIUS_M) -> Passages:
    """Every time a hostile object threatened an area (../shared/ALERTING.md).

    A moving object threatens from its entry into the circle of equal area grown by the danger radius until it leaves;
    when it is back sooner than its kind's lead, that is one passage, for people were told to stay. A ballistic object
    threatens the areas whose own circle holds its impact, at that moment.
    """
    leads = np.array([LEAD_S[kind] for kind in KINDS])
    moving = within(flights, circles, danger_radius_m, flights.kind != BALLISTIC, leads[flights.kind])
    falls: list[tuple[float, float, float, float]] = []
    for k in np.flatnonzero((flights.kind == BALLISTIC) & flights.fell):
        end = flights.first[k + 1] - 1
        away = np.hypot(circles.east - flights.east[end], circles.north - flights.north[end])
        when = float(flights.time[end])
        falls += [(float(k), float(a), when, when) for a in np.flatnonzero(away <= circles.radius)]
    every = np.concatenate([moving, np.array(falls).reshape(-1, 4)])
    who = every[:, 0].astype(np.int64)
    lead = leads[flights.kind[who]] if len(who) else np.empty(0)
    counted = every[:, 2] - flights.born[who] >= lead if len(who) else np.empty(0, bool)
    return Passages(who, every[:, 1].astype(np.int64), every[:, 2], every[:, 3], lead, counted)
