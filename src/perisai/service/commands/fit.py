"""`perisai fit`: learn how objects fly from recorded nights; a fit that foresees no better is refused."""

from pathlib import Path

import msgspec

from perisai.model import BadInputError
from perisai.recording import read_table

from .. import package_data
from ..config import Config, load_config
from ..files import read_areas
from ..learning import learn, log_score, truth_of
from .output import show
from .stages import Json, Out


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
    learned = learn([read_table(path, "tracks") for path in tracks], ground, kind, present)
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
    counted = learned.counted
    figures = {"kind": kind, "tracks": counted.tracks, "hours": counted.hours, "turns": counted.turns}
    figures |= {"ends": counted.ends, "steps": list(learned.steps)}
    figures |= {"log_score_learned_before": learned.before, "log_score_learned": learned.after}
    show(figures | {"log_score_before": before, "log_score": after}, json)
