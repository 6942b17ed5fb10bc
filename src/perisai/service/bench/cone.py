"""The plain rule that forecasts have to beat: a heading cone with growing spread, as ../shared/ALERTING.md gives it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import ndtr

from perisai.evaluation.passages import DANGER_RADIUS_M
from perisai.geodesy import MEAN_RADIUS_M, plane_at, to_plane
from perisai.model import Areas, build, floats, time_us

BEAT_S = 10.0
FAST_MPS = 100.0
NEAR_SIGMA_M = 500.0
GONE_S = 60.0


@dataclass(frozen=True, slots=True)
class Cone:
    """horizon_s: how far ahead, of slow and of fast objects. off_s: off after so long without a reason to be on.
    threshold: of the probability that any object comes. spread: metres across the course per metre along it."""

    horizon_s: tuple[float, float]
    off_s: float
    threshold: float
    spread: float


WIDE = Cone((400.0, 170.0), 60.0, 0.01, 0.36)
NARROW = Cone((400.0, 170.0), 60.0, 0.03, 0.18)
"""The second has half the spread of the first; its angle of 20 degrees is that of dog-legs."""


def cone_alerts(tracks: pa.Table, areas: Areas, cone: Cone) -> pa.Table:
    """Alarms (schema `alerts`) of the rule for one night of tracks."""
    plane = plane_at(float(np.mean(areas.lat)), float(np.mean(areas.lon)))
    centre = np.column_stack(to_plane(plane, areas.lat, areas.lon))
    scale = 1.0 + (centre**2).sum(1) / (4.0 * MEAN_RADIUS_M**2)
    radius = (areas.radius_m + DANGER_RADIUS_M) * scale
    tracks = tracks.sort_by("time")
    when_us = time_us(tracks["time"])
    origin_us = int(when_us.min())
    when = (when_us - origin_us) / 1e6
    place = np.column_stack(to_plane(plane, floats(tracks["lat"]), floats(tracks["lon"])))
    velocity = np.column_stack([floats(tracks["ve_mps"]), floats(tracks["vn_mps"])])
    number = np.unique(tracks["track"].to_numpy(), return_inverse=True)[1]
    latest = np.full(number.max() + 1, -1)
    on_since = np.full(len(areas), np.nan)
    quiet_s = np.zeros(len(areas))
    spans: list[tuple[int, float, float]] = []
    beats = np.arange(BEAT_S, when[-1] + GONE_S + cone.off_s + BEAT_S, BEAT_S)
    seen = 0
    for now in beats:
        until = int(np.searchsorted(when, now, side="right"))
        latest[number[seen:until]] = np.arange(seen, until)
        seen = until
        rows = latest[latest >= 0]
        rows = rows[now - when[rows] <= GONE_S]
        ahead = place[rows] + velocity[rows] * (now - when[rows])[:, None]
        up = _reached(ahead, velocity[rows], centre, radius, cone) > cone.threshold
        on_since = np.where(np.isnan(on_since) & up, now, on_since)
        quiet_s = np.where(up, 0.0, quiet_s + BEAT_S)
        over = np.flatnonzero(~np.isnan(on_since) & (quiet_s >= cone.off_s))
        spans += [(int(area), float(on_since[area]), float(now)) for area in over]
        on_since[over] = np.nan
    area, start, end = (np.array(column) for column in zip(*spans, strict=True)) if spans else (np.empty(0, int),) * 3
    return build(
        "alerts",
        {
            "area": pa.array(areas.code, pa.string()).take(pa.array(area)),
            "level": ["alarm"] * len(area),
            "start": origin_us + np.round(start * 1e6).astype(np.int64),
            "end": origin_us + np.round(end * 1e6).astype(np.int64),
        },
    )


def _reached(place: np.ndarray, velocity: np.ndarray, centre: np.ndarray, radius: np.ndarray, cone: Cone) -> np.ndarray:
    """Probability per area (n,) that any of the objects comes within its radius.

    place, velocity (m, 2): m, m/s; centre (n, 2), radius (n,): m, all on one plane.
    """
    if not len(place):
        return np.zeros(len(centre))
    speed = np.maximum(np.hypot(*velocity.T), 1.0)[:, None]
    east, north = (velocity / speed).T[:, :, None]
    dx, dy = centre[:, 0] - place[:, :1], centre[:, 1] - place[:, 1:]
    along, across = dx * east + dy * north, dx * north - dy * east
    gap = np.hypot(dx, dy) - radius
    horizon = np.where(speed > FAST_MPS, cone.horizon_s[1], cone.horizon_s[0])
    sigma = NEAR_SIGMA_M + cone.spread * np.maximum(along, 0.0)
    hits = ndtr((radius - across) / sigma) - ndtr((-radius - across) / sigma)
    hits = np.where((along > 0.0) & (gap < speed * horizon), hits, 0.0)
    return 1.0 - np.prod(1.0 - np.where(gap < 0.0, 1.0, hits), axis=0)
