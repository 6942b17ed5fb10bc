"""The forecaster: calibration on nights that nothing was tuned on, and speed at 1,000 and 10,000 tracks."""

import time
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.evaluation import score_alerts
from perisai.forecasting import Forecaster, ForecastSettings
from perisai.model import THREATS, Areas, build, empty, split_frames
from perisai.simulation import communities, median_night, tracks_from_truth

SEEDS = (7012, 7013, 7014)
ENOUGH_CASES = 200
EPOCH_US = 1_767_225_600_000_000


def run(quick: bool = False) -> dict[str, Any]:
    """Reliability, interval coverage, Brier and log score; seconds a beat. Quick: one night at a beat a minute."""
    areas = communities()
    skill = [calibration(seed, areas, 60 if quick else 10) for seed in SEEDS[: 1 if quick else None]]
    return {"areas": len(areas), "nights": skill, "speed": [speed(n, areas) for n in (1000,) + (10_000,) * (not quick)]}


def calibration(seed: int, areas: Areas, period_s: int = 10) -> dict[str, Any]:
    """Skill on a median night from noisy true tracks; the reliability's worst bin of those with 200 cases."""
    truth = median_night(seed, areas)
    forecaster = Forecaster(areas, ForecastSettings(period_s=period_s))
    rows = [forecaster.step(f.table, f.end_us) for f in split_frames(tracks_from_truth(truth, seed), "tracks")]
    skill = score_alerts(empty("alerts"), truth, areas, pa.concat_tables([r for r in rows if r.num_rows])).forecasts
    assert skill is not None
    bins = [r for r in skill.reliability if r.cases >= ENOUGH_CASES]
    return {
        "seed": seed,
        "period_s": period_s,
        "cases": skill.cases,
        "brier": skill.brier,
        "log_score": skill.log_score,
        "worst_bin": max(abs(r.forecast - r.observed) for r in bins),
        "coverage_90": skill.coverage,
        "arrivals": skill.arrivals,
        "reliability": [(round(r.forecast, 3), round(r.observed, 3), r.cases) for r in bins],
    }


def speed(tracks: int, areas: Areas) -> dict[str, Any]:
    """Seconds for one beat of so many drones over the areas; the median of three, after one to warm up."""
    rng = np.random.default_rng(9501)
    where = rng.integers(0, len(areas), tracks)
    course = rng.uniform(0.0, 2.0 * np.pi, tracks)
    columns: dict[str, object] = {
        "track": np.arange(tracks), "lat": areas.lat[where], "lon": areas.lon[where],
        "ve_mps": 50.0 * np.sin(course), "vn_mps": 50.0 * np.cos(course), "existence": np.ones(tracks),
        "status": ["confirmed"] * tracks,
    }  # fmt: skip
    columns |= {f"p_{threat}": np.full(tracks, float(threat == "drone")) for threat in THREATS}
    forecaster = Forecaster(areas)
    spent: list[float] = []
    rows = 0
    for beat in range(4):
        end_us = EPOCH_US + beat * 10_000_000
        table = build("tracks", columns | {"time": np.full(tracks, end_us)})
        began = time.perf_counter()
        rows = forecaster.step(table, end_us).num_rows
        spent.append(time.perf_counter() - began)
    return {"tracks": tracks, "forecasts": rows, "beat_s": float(np.median(spent[1:]))}
