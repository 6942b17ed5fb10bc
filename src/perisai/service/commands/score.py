"""`perisai simulate`, `evaluate`, `bench`: making nights, and measuring what came of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from perisai.recording import read_table, write_table

from .. import package_data
from ..files import read_areas, read_sensors
from .output import show
from .stages import Json, Out

evaluate = App(name="evaluate", help="Score tracks or alerts against the truth.")


def simulate(
    *, night: str, seed: int = 1, sensors: Path | None = None, areas: Path | None = None, out: Out, json: Json = False
) -> None:
    """A night of the record, simulated: truth.parquet and detections.parquet.

    Example: perisai simulate --night 2025-09-07 --seed 1 --sensors sensors.toml -o night/

    Args:
        night: a date of the published record (YYYY-MM-DD); its attacks ended on that date.
        seed: same seed, same bytes.
        sensors: the sensors TOML; without it the default network, which is written beside the tables.
        areas: GeoJSON of the communities that the objects fly to; without it those of Ukraine.
        out: directory to write to.
        json: print the counts as one JSON object.
    """
    from perisai.model import write_sensors
    from perisai.simulation import default_network
    from perisai.simulation import simulate as run

    ground = read_areas(areas or package_data.COMMUNITIES)
    network = read_sensors(sensors) if sensors else default_network(ground)
    result = run(night, seed, network, ground)
    write_table(result.truth, out / "truth.parquet")
    write_table(result.detections, out / "detections.parquet")
    if sensors is None:
        (out / "sensors.toml").write_text(write_sensors(network, "The default network."), encoding="utf-8")
    objects = len(result.truth["object"].unique())
    show(
        {
            "night": night,
            "seed": seed,
            "objects": objects,
            "truth": result.truth.num_rows,
            "detections": result.detections.num_rows,
        },
        json,
    )


@evaluate.command(name="tracks")
def evaluate_tracks(tracks: Path, /, *, truth: Path, json: Json = False) -> None:
    """GOSPA and its parts, identity switches, latency.

    Example: perisai evaluate tracks tracks.parquet --truth truth.parquet --json

    Args:
        tracks: Parquet file of tracks.
        truth: Parquet file of the truth.
        json: print the scores as one JSON object.
    """
    from perisai.evaluation import score_tracks

    show(_plain(score_tracks(read_table(tracks, "tracks"), read_table(truth, "truth"))), json)


@evaluate.command(name="alerts")
def evaluate_alerts(
    alerts: Path, /, *, truth: Path, areas: Path, forecasts: Path | None = None, json: Json = False
) -> None:
    """In-time share, person-hours against practice and perfect knowledge, lead times, calibration.

    Example: perisai evaluate alerts alerts.parquet --truth truth.parquet --areas communities.geojson --json

    Args:
        alerts: Parquet file of alerts.
        truth: Parquet file of the truth.
        areas: GeoJSON of the areas.
        forecasts: Parquet file of forecasts, for Brier and log score, reliability and interval coverage.
        json: print the scores as one JSON object.
    """
    from perisai.evaluation import score_alerts

    rows, flown, ground = read_table(alerts, "alerts"), read_table(truth, "truth"), read_areas(areas)
    foreseen = read_table(forecasts, "forecasts") if forecasts else None
    scores = score_alerts(rows, flown, ground, foreseen)
    show(_plain(scores), json)


def bench(
    what: Literal["tracking", "forecasting", "alerting", "planning"],
    /,
    *,
    quick: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> None:
    """Measure a stage against its peers in one run; ratios, because machines differ.

    Example: perisai bench tracking --json

    Args:
        what: the stage.
        quick: a smaller run of the same.
        json: print the figures as one JSON object.
    """
    from importlib import import_module

    show(import_module(f"perisai.service.bench.{what}").run(quick), json)


def _plain(scores: Any) -> dict[str, Any]:
    return msgspec.to_builtins(
        scores, enc_hook=lambda value: value.item() if hasattr(value, "item") else value.tolist()
    )
