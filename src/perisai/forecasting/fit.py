"""Learning how objects of a kind fly from recorded tracks: turn hazard, pull to the mean course, destinations."""

import math
from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa

from perisai.geodesy import Plane, plane_at, to_plane
from perisai.model import THREATS, Areas, BadInputError, floats, time_us

from .judge import judge
from .settings import ForecastSettings, Motion

TURN_DEG = 12.0
"""A change of course over a row that counts as a dog-leg; well above the noise of a track."""
STEP_S = 30.0
LOST_S = 300.0
ENOUGH_TURNS = 30
BEFORE_END_S = 1200.0
NEAR_M = 60_000.0
POWERS = (0.0, 0.35, 0.7, 1.0)
Path3 = tuple[np.ndarray, np.ndarray, np.ndarray]


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned of one kind: settings with it, and on how many turns, tracks, hours and ends it rests."""

    kind: str
    settings: ForecastSettings
    turns: int
    tracks: int
    hours: float
    ends: int


def fit(tracks: pa.Table, areas: Areas, kind: str, settings: ForecastSettings) -> Fitted:
    """Settings whose motion of one kind, and whose destination prior, are those of the tracks.

    tracks: rows of recorded nights; neutral ones are left out. Dog-legs are changes of course of over 12 degrees inside
    a minute. leg_min_s is the 5 % quantile of the legs; course_pull the regression of a turn on the departure from the
    track's course before it; turn_sigma_deg its residual; destination_power the likeliest of a few, by where tracks
    ended among the areas near their course 20 min before.
    Raises BadInputError when there are fewer than 30 turns.
    """
    plane = plane_at(float(np.mean(areas.lat)), float(np.mean(areas.lon)))
    legs: list[float] = []
    turns: list[tuple[float, float]] = []
    ends: list[tuple[np.ndarray, np.ndarray]] = []
    hours, count = 0.0, 0
    for time, place, velocity in _paths(tracks, kind, settings, plane):
        count += 1
        hours += float(time[-1] - time[0]) / 3600.0
        _read_turns(time, velocity, legs, turns)
        if time[-1] - time[0] > BEFORE_END_S:
            before = int(np.searchsorted(time, time[-1] - BEFORE_END_S))
            ends.append((place[before], place[-1]))
    if len(turns) < ENOUGH_TURNS:
        raise BadInputError(f"fit of {kind}", f"{len(turns)} turns in {count} tracks", f"at least {ENOUGH_TURNS} turns")
    away, turn = np.array(turns).T
    pull = float(np.clip(-(away @ turn) / max(float(away @ away), 1e-9), 0.0, 1.0))
    sigma = float(np.std(turn + pull * away))
    rate = len(turns) / max(hours, 1e-9)
    least = float(np.quantile(legs, 0.05)) if legs else 0.0
    old: Motion = getattr(settings, kind)
    motion = msgspec.structs.replace(
        old,
        turns_per_hour=round(rate, 3),
        leg_min_s=round(min(least, 0.8 * 3600.0 / rate), 1),
        turn_sigma_deg=round(sigma, 2),
        course_pull=round(pull, 3),
    )
    power = _power(ends, areas, np.column_stack(to_plane(plane, areas.lat, areas.lon)), settings.destination_power)
    learned = msgspec.structs.replace(settings, **{kind: motion}, destination_power=power)
    return Fitted(kind=kind, settings=learned, turns=len(turns), tracks=count, hours=hours, ends=len(ends))


def _paths(tracks: pa.Table, kind: str, settings: ForecastSettings, plane: Plane) -> Iterator[Path3]:
    """(time s, place (n, 2) m, velocity (n, 2) m/s) of each hostile track of the kind, rows at least 30 s apart."""
    kinds, neutral = judge(tracks, frozenset(a.lower() for a in settings.civil_addresses))
    lat, lon = floats(tracks["lat"]), floats(tracks["lon"])
    ve, vn = floats(tracks["ve_mps"]), floats(tracks["vn_mps"])
    known = np.isfinite(lat) & np.isfinite(lon) & np.isfinite(ve) & np.isfinite(vn)
    use = np.flatnonzero((kinds == THREATS.index(kind)) & ~neutral.astype(bool) & known)
    number = tracks["track"].combine_chunks().to_numpy(zero_copy_only=False)[use]
    time = time_us(tracks["time"])[use] / 1e6
    order = np.lexsort((time, number))
    use, number, time = use[order], number[order], time[order]
    east, north = to_plane(plane, lat[use], lon[use])
    # Numbers come again on other nights, and a track that was lost for long is another path.
    apart = (np.diff(number) != 0) | (np.diff(time) > LOST_S)
    starts = np.flatnonzero(np.r_[True, apart]) if len(number) else np.empty(0, np.int64)
    for a, b in zip(starts, [*starts[1:], len(number)], strict=True):
        step = np.floor((time[a:b] - time[a]) / (0.99 * STEP_S))
        rows = a + np.unique(step, return_index=True)[1]
        if len(rows) >= 4:
            yield (
                time[rows],
                np.column_stack([east[rows], north[rows]]),
                np.column_stack([ve[use[rows]], vn[use[rows]]]),
            )


def _read_turns(time: np.ndarray, velocity: np.ndarray, legs: list[float], turns: list[tuple[float, float]]) -> None:
    """Append the times between dog-legs (s), and (departure from the course so far, turn) of each, degrees."""
    course, turned = _turned(velocity)
    last = math.nan
    i = 1
    while i < len(course) - 1:
        turn = turned[i]
        # The row where most of a turn shows, not the first one that shows some of it.
        if abs(turn) < TURN_DEG or abs(turned[i + 1]) > abs(turn):
            i += 1
            continue
        if not math.isnan(last):
            legs.append(float(time[i] - last))
            mean = math.atan2(float(velocity[:i, 1].sum()), float(velocity[:i, 0].sum()))
            away = (course[i - 1] - mean + math.pi) % (2.0 * math.pi) - math.pi
            turns.append((math.degrees(away), (turn + 180.0) % 360.0 - 180.0))
        last = float(time[i])
        i += 3


def _turned(velocity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Course (n,) radians, of two rows together; and how far each row (n,) turns, degrees, 0 at both ends.

    A turn is the course of the two rows after less that of the two before: one row each would show turns that are none.
    """
    pairs = velocity.copy()
    pairs[1:] += velocity[:-1]
    course = np.unwrap(np.arctan2(pairs[:, 1], pairs[:, 0]))
    turned = np.zeros(len(course))
    turned[2:-2] = np.degrees(course[4:] - course[1:-3])
    return course, turned


def _power(ends: list[tuple[np.ndarray, np.ndarray]], areas: Areas, centre: np.ndarray, old: float) -> float:
    """The power of residents under which the areas that tracks ended in are likeliest; the old one without any end."""
    people = np.maximum(areas.population, 500.0)
    score = np.zeros(len(POWERS))
    used = 0
    for before, end in ends:
        near = np.flatnonzero(np.hypot(*(centre - before).T) < NEAR_M)
        hit = int(np.argmin(np.hypot(*(centre - end).T)))
        if hit not in near:
            continue
        used += 1
        for k, power in enumerate(POWERS):
            score[k] += power * math.log(people[hit]) - math.log(float((people[near] ** power).sum()))
    return POWERS[int(np.argmax(score))] if used >= ENOUGH_TURNS // 3 else old
