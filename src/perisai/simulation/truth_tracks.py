"""Tracks made of the truth, so that forecasts and alerts can be measured without a tracker between."""

import numpy as np
import pyarrow as pa

from perisai.geodesy import destination
from perisai.model import THREATS, build, floats, time_us

from .ballistic import fall

BURNOUT_S = 60.0
# 90 % ellipses of a settled track by time to go (s), m, and the sigma of the time; 2.146 sigma hold 90 % in a plane.
_TO_GO_S = (0.0, 54.0, 174.0, 294.0, 600.0)
_ELLIPSE_90_M = (300.0, 1_100.0, 3_200.0, 5_650.0, 12_000.0)
_ELLIPSE_SIGMAS = 2.146
_IMPACT_TIME_SIGMA_S = 5.4
_IMPACT_MEMORY = 0.8


def tracks_from_truth(
    truth: pa.Table, seed: int, period_s: float = 30.0, sigma_m: float = 300.0, sigma_v: float = 3.0
) -> pa.Table:
    """The tracks table of a perfect tracker with noise, as ALERTING.md measures on: no gaps, no false tracks.

    A row each period_s from an object's first second on (at a phase of its own) with sigma_m (m) and sigma_v (m/s) an
    axis; track = object, status confirmed, existence 1, p_<kind> 1; a last row with status ended when the object
    stops. Ballistic rows carry the impact from a minute after launch on, as good as the tracker's (TRACKING.md 4.8);
    for one that is stopped in the air, where it would have fallen. Rows by time and track.
    """
    number = np.asarray(truth["object"].to_numpy())
    order = np.lexsort((time_us(truth["time"]), number))
    truth, number = truth.take(pa.array(order)), number[order]
    time = time_us(truth["time"])
    column = {name: np.nan_to_num(floats(truth[name])) for name in ("lat", "lon", "alt_m", "ve_mps", "vn_mps")}
    kind = truth["kind"].to_pylist()
    starts = np.flatnonzero(np.r_[True, np.diff(number) != 0])
    parts: list[dict[str, np.ndarray]] = []
    for a, b in zip(starts, [*starts[1:], len(number)], strict=True):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(number[a]),)))
        rows = slice(int(a), int(b))
        path = {name: values[rows] for name, values in column.items()}
        part = _noisy(rng, time[rows], path, period_s, sigma_m, sigma_v, kind[a] == "ballistic")
        part["track"] = np.full(len(part["time"]), number[a])
        part["kind"] = np.full(len(part["time"]), THREATS.index(kind[a]) if kind[a] in THREATS else len(THREATS) - 1)
        parts.append(part)
    return _table(parts, sigma_m, sigma_v)


def _noisy(
    rng: np.random.Generator,
    time: np.ndarray,
    path: dict[str, np.ndarray],
    period_s: float,
    sigma_m: float,
    sigma_v: float,
    ballistic: bool,
) -> dict[str, np.ndarray]:
    seconds = (time - time[0]) / 1e6
    at = np.arange(rng.uniform(0.0, min(period_s, seconds[-1])), seconds[-1], period_s)
    at = np.append(at, seconds[-1])
    true = {name: np.interp(at, seconds, values) for name, values in path.items()}
    climb = np.gradient(path["alt_m"], seconds) if len(seconds) > 1 else np.zeros(1)
    east, north = rng.normal(0.0, sigma_m, (2, len(at)))
    lat, lon = destination(true["lat"], true["lon"], np.degrees(np.arctan2(east, north)), np.hypot(east, north))
    part = {
        "time": time[0] + np.round(at * 1e6).astype(np.int64),
        "lat": lat,
        "lon": lon,
        "alt_m": np.maximum(true["alt_m"] + rng.normal(0.0, sigma_m, len(at)) * (true["alt_m"] > 3 * sigma_m), 0.0),
        "ve_mps": true["ve_mps"] + rng.normal(0.0, sigma_v, len(at)),
        "vn_mps": true["vn_mps"] + rng.normal(0.0, sigma_v, len(at)),
        "vu_mps": np.interp(at, seconds, climb) + rng.normal(0.0, sigma_v, len(at)),
        "ended": np.arange(len(at)) == len(at) - 1,
    }
    if ballistic:
        part |= _impact(rng, time[0], at, seconds, path, climb)
    return part


def _impact(
    rng: np.random.Generator,
    start_us: int,
    at: np.ndarray,
    seconds: np.ndarray,
    path: dict[str, np.ndarray],
    climb: np.ndarray,
) -> dict[str, np.ndarray]:
    """Where and when it will fall, as known at each time; unknown (NaN, 0) until burnout."""
    end = {name: float(values[-1]) for name, values in path.items()}
    more_s, lat, lon = 0.0, end["lat"], end["lon"]
    if end["alt_m"] > 1.0:
        more_s, lat, lon = fall(lat, lon, end["alt_m"], end["ve_mps"], end["vn_mps"], float(climb[-1]))
    whole_s = seconds[-1] + more_s
    sigma = np.interp(whole_s - at, _TO_GO_S, _ELLIPSE_90_M) / _ELLIPSE_SIGMAS
    error = rng.normal(0.0, 1.0, (3, len(at)))
    for i in range(1, len(at)):
        error[:, i] = _IMPACT_MEMORY * error[:, i - 1] + np.sqrt(1.0 - _IMPACT_MEMORY**2) * error[:, i]
    off = np.hypot(error[0], error[1]) * sigma
    known = at >= BURNOUT_S
    impact_lat, impact_lon = destination(lat, lon, np.degrees(np.arctan2(error[0], error[1])), off)
    when = start_us + np.round((whole_s + error[2] * _IMPACT_TIME_SIGMA_S) * 1e6).astype(np.int64)
    return {
        "impact_lat": np.where(known, impact_lat, np.nan),
        "impact_lon": np.where(known, impact_lon, np.nan),
        "impact_ee": np.where(known, sigma**2, np.nan),
        "impact_time": np.where(known, when, 0),
        "impact_time_sigma_s": np.where(known, _IMPACT_TIME_SIGMA_S, np.nan),
    }


def _table(parts: list[dict[str, np.ndarray]], sigma_m: float, sigma_v: float) -> pa.Table:
    def joined(name: str, absent: float = np.nan) -> np.ndarray:
        return np.concatenate([part.get(name, np.full(len(part["time"]), absent)) for part in parts])

    time, track = joined("time"), joined("track")
    order = np.lexsort((track, time))
    n = len(order)
    columns: dict[str, object] = {"time": time[order], "track": track[order]}
    for name in ("lat", "lon", "alt_m", "ve_mps", "vn_mps", "vu_mps", "impact_lat", "impact_lon", "impact_ee"):
        columns[name] = joined(name)[order]
    columns["impact_nn"] = columns["impact_ee"]
    columns["impact_en"] = np.where(np.isnan(joined("impact_ee")[order]), np.nan, 0.0)
    columns["impact_time_sigma_s"] = joined("impact_time_sigma_s")[order]
    when = joined("impact_time", 0)[order].astype(np.int64)
    columns["impact_time"] = pa.array(when, mask=when == 0)
    columns["p_ee"] = columns["p_nn"] = np.full(n, sigma_m**2)
    columns["v_ee"] = columns["v_nn"] = np.full(n, sigma_v**2)
    columns["p_en"] = columns["v_en"] = np.zeros(n)
    columns["existence"] = np.ones(n)
    columns["status"] = pa.array(["confirmed", "ended"]).take(pa.array(joined("ended")[order].astype(np.int64)))
    kind = joined("kind")[order]
    for i, threat in enumerate(THREATS):
        columns[f"p_{threat}"] = (kind == i).astype(np.float64)
    columns["sensors"] = [["truth"]] * n
    return build("tracks", columns)
