"""Which rows of our tracks pass to a partner, and as what: a filter, and a track's life as seen there."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from perisai.model import PARTNERS, THREATS, build, floats, neutral, time_us

from .coarse import grown, round_to, to_grid
from .numbers import partner_number
from .policy import Scope

KEPT = ("p_en", "existence", *(f"p_{threat}" for threat in THREATS), "v_en")
"""Columns that pass as they are."""


def share(tracks: pa.Table, scope: Scope) -> pa.Table:
    """The rows of tracks that may pass, as the partner sees them (schema `partners`), whatever their age.

    Nothing that lies outside the region passes: neither the true nor the rounded place, nor an impact point.
    """
    return _published(tracks.filter(pa.array(_passing(tracks, scope))), scope)


class Sharer:
    """The same for one frame after another: nothing younger than the delay, and whoever leaves ends."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._delay_us = round(scope.policy.delay_s * 1e6)
        self.delay_s = scope.policy.delay_s
        self._held: list[tuple[int, int, pa.Table]] = []
        self._shown: dict[int, dict[str, Any]] = {}

    def step(self, tracks: pa.Table, end_us: int) -> pa.Table:
        """What the partner is given at the end of a frame, in the order of its times.

        tracks: the frame's rows. A track that was shown and may be no longer has one row more, of status `ended` at the
        place where it was shown last. Returns a table `partners`.
        """
        due = self._due(tracks, end_us)
        passing = _passing(due, self._scope)
        published = iter(_published(due.filter(pa.array(passing)), self._scope).to_pylist())
        rows: list[dict[str, Any]] = []
        for track, time, passes in zip(due["track"].to_pylist(), due["time"].to_pylist(), passing, strict=True):
            last = self._shown.get(track)
            row = next(published) if passes else None
            if row is None and last is not None:
                row = last | {"time": time, "status": "ended"}
            if row is None or (row["status"] == "ended" and last is None):
                continue
            rows.append(row)
            if row["status"] == "ended":
                del self._shown[track]
            else:
                self._shown[track] = row
        return pa.Table.from_pylist(rows, PARTNERS)

    def _due(self, tracks: pa.Table, end_us: int) -> pa.Table:
        """What has come of age by now, of this frame and of those held, by time."""
        if tracks.num_rows:
            times = time_us(tracks["time"]) + self._delay_us
            self._held.append((int(times.min()), int(times.max()), tracks))
        ready, held = [tracks.slice(0, 0)], []
        for first, last, table in self._held:
            if first > end_us:
                held.append((first, last, table))
                continue
            due = time_us(table["time"]) + self._delay_us <= end_us
            ready.append(table.filter(pa.array(due)))
            if last > end_us:
                rest = table.filter(pa.array(~due))
                held.append((int(time_us(rest["time"]).min()) + self._delay_us, last, rest))
        self._held = held
        joined = pa.concat_tables(ready).combine_chunks()
        return joined.take(pa.array(np.argsort(time_us(joined["time"]), kind="stable")))


def _passing(tracks: pa.Table, scope: Scope) -> np.ndarray:
    """(n,) bool."""
    policy = scope.policy
    lat, lon = floats(tracks["lat"]), floats(tracks["lon"])
    passing = _inside(scope, lat, lon) & _inside(scope, *to_grid(lat, lon, policy.precision_m))
    if not policy.tentative:
        passing &= ~_bools(pc.equal(tracks["status"], "tentative"))
    if not policy.neutral:
        passing &= ~_bools(neutral(tracks))
    if policy.classes:
        likely = np.stack([np.nan_to_num(floats(tracks[f"p_{threat}"])) for threat in THREATS])
        # Without any class a track is `other`.
        best = np.where(likely.max(axis=0, initial=0.0) > 0, likely.argmax(axis=0), THREATS.index("other"))
        passing &= np.isin(best, [THREATS.index(one) for one in policy.classes])
    if scope.restricts_sensors:
        for i in np.flatnonzero(passing):
            shared = [scope.shares(sensor) for sensor in tracks["sensors"][int(i)].as_py() or ()]
            passing[i] = any(shared) and (policy.fused or all(shared))
    return passing


def _inside(scope: Scope, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    return shapely.intersects_xy(scope.region, lon, lat)


def _bools(column: Any) -> np.ndarray:
    return np.asarray(pc.fill_null(column, False), dtype=bool)


def _published(tracks: pa.Table, scope: Scope) -> pa.Table:
    """Rows that pass as the partner sees them: coarse, and without what it may not know."""
    policy = scope.policy
    step_m, step_mps = policy.precision_m, policy.precision_mps
    lat, lon = to_grid(floats(tracks["lat"]), floats(tracks["lon"]), step_m)
    columns: dict[str, Any] = {name: tracks[name] for name in KEPT}
    columns |= {name: grown(floats(tracks[name]), step_m) for name in ("p_ee", "p_nn")}
    columns |= {name: grown(floats(tracks[name]), step_mps) for name in ("v_ee", "v_nn")}
    columns |= {name: round_to(floats(tracks[name]), step_mps) for name in ("ve_mps", "vn_mps", "vu_mps")}
    columns |= {
        "time": tracks["time"],
        "track": [_number(track, scope) for track in tracks["track"].to_pylist()],
        "lat": lat,
        "lon": lon,
        "alt_m": round_to(floats(tracks["alt_m"]), step_m),
        "status": pc.fill_null(tracks["status"], "confirmed"),
        "neutral": _bools(neutral(tracks)),
        "sensors": [[one for one in seen or () if scope.shares(one)] for seen in tracks["sensors"].to_pylist()],
    }
    if policy.addresses:
        columns["address"] = tracks["address"]
    return build("partners", columns | _impact(tracks, scope))


def _impact(tracks: pa.Table, scope: Scope) -> dict[str, Any]:
    """Impact columns, empty where the point lies outside."""
    step_m = scope.policy.precision_m
    lat, lon = floats(tracks["impact_lat"]), floats(tracks["impact_lon"])
    coarse_lat, coarse_lon = to_grid(lat, lon, step_m)
    known = _inside(scope, lat, lon) & _inside(scope, coarse_lat, coarse_lon)
    out: dict[str, Any] = {
        "impact_lat": np.where(known, coarse_lat, np.nan),
        "impact_lon": np.where(known, coarse_lon, np.nan),
        "impact_time": pc.if_else(pa.array(known), tracks["impact_time"], None),
    }
    for name in ("impact_ee", "impact_nn"):
        out[name] = np.where(known, grown(floats(tracks[name]), step_m), np.nan)
    for name in ("impact_en", "impact_time_sigma_s"):
        out[name] = np.where(known, floats(tracks[name]), np.nan)
    return out


def _number(track: int, scope: Scope) -> int:
    return track if scope.key is None else partner_number(track, scope.key)
