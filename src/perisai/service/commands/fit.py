"""`perisai fit`: learn how objects fly from recorded nights; a fit that foresees no better is refused."""

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from perisai.evaluation import pooled_log_score
from perisai.forecasting import Forecaster, ForecastSettings
from perisai.forecasting import fit as learn
from perisai.model import THREATS, Areas, BadInputError, build, floats, split_frames, time_us
from perisai.recording import read_table

from .. import package_data
from ..config import Config, load_config
from ..files import read_areas
from .output import progress, show
from .stages import Json, Out

BEAT_S = 60
"""Forecasts a minute apart are enough to compare."""


def fit(
    tracks: list[Path],
    /,
    *,
    holdout: Path,
    out: Out,
    kind: str = "drone",
    areas: Path | None = None,
    config: Path | None = None,
    json: Json = False,
) -> None:
    """Learn turn hazard and destinations from recorded nights; written only when a night not learned from agrees.

    Example: perisai fit night1.parquet night2.parquet --holdout night3.parquet -o forecasting.toml

    Args:
        tracks: Parquet files of tracks to learn from.
        holdout: Parquet file of the tracks of another night, on which both settings are scored.
        out: TOML file to write: the sections to put into perisai.toml.
        kind: the kind of threat to learn.
        areas: GeoJSON of the areas; without it the communities of Ukraine.
        config: a perisai.toml whose [forecasting] settings are the present ones.
        json: print the figures as one JSON object.
    """
    if kind not in ("drone", "cruise", "glide_bomb", "aircraft", "other"):
        raise BadInputError("--kind", repr(kind), "drone, cruise, glide_bomb, aircraft or other")
    ground = read_areas(areas or package_data.COMMUNITIES)
    present = (load_config(config) if config else Config()).forecasting
    known = pa.concat_tables([read_table(path, "tracks") for path in tracks])
    learned = learn(known, ground, kind, present)
    night = read_table(holdout, "tracks")
    truth = truth_of(night)
    before, after = (log_score(night, truth, ground, s) for s in (present, learned.settings))
    if not after < before:
        raise BadInputError(
            f"fit of {kind}", f"log score {after:.4f} on {holdout}, {before:.4f} with the present settings",
            "a lower one; nothing is written",
        )  # fmt: skip
    motion = getattr(learned.settings, kind)
    lines = ["[forecasting]", f"destination_power = {learned.settings.destination_power}", f"[forecasting.{kind}]"]
    lines += [f"{name} = {value}" for name, value in msgspec.to_builtins(motion).items()]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    figures = {"kind": kind, "tracks": learned.tracks, "hours": learned.hours, "turns": learned.turns}
    show(figures | {"ends": learned.ends, "log_score_before": before, "log_score": after}, json)


def log_score(tracks: pa.Table, truth: pa.Table, areas: Areas, settings: ForecastSettings) -> float:
    """The log score of the forecasts that these settings give on a night; lower is better."""
    forecaster = Forecaster(areas, msgspec.structs.replace(settings, period_s=BEAT_S))
    frames = progress(split_frames(tracks, "tracks"), "forecasting the night held out")
    rows = [part for f in frames if (part := forecaster.step(f.table, f.end_us)).num_rows]
    if not rows:
        raise BadInputError("--holdout", "no track that threatens an area", "a night with a raid")
    return pooled_log_score(pa.concat_tables(rows), truth, areas, BEAT_S)


def truth_of(tracks: pa.Table) -> pa.Table:
    """The tracks of a recording taken as what flew: nobody knows better afterwards."""
    usable = np.isfinite(floats(tracks["lat"])) & np.isfinite(floats(tracks["lon"]))
    tracks = tracks.filter(pa.array(usable))
    shares = np.stack([np.nan_to_num(floats(tracks[f"p_{threat}"])) for threat in THREATS], axis=1)
    kinds = [threat if threat != "other" else "drone" for threat in THREATS]
    n = tracks.num_rows
    return build(
        "truth",
        {
            "time": time_us(tracks["time"]), "object": tracks["track"], "lat": tracks["lat"], "lon": tracks["lon"],
            "alt_m": tracks["alt_m"], "ve_mps": tracks["ve_mps"], "vn_mps": tracks["vn_mps"],
            "kind": pa.array(kinds).take(pa.array(np.argmax(shares, axis=1))),
            "hostile": np.ones(n, bool), "impact": np.zeros(n, bool),
        },
    )  # fmt: skip
