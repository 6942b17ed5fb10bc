"""`perisai simulate`, `evaluate`, `bench`: making nights, and measuring what came of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from cyclopts import App, Parameter

from perisai.model import BadInputError
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

    rows, flown = read_table(tracks, "tracks"), read_table(truth, "truth")
    with _named(tracks=tracks, truth=truth):
        scores = score_tracks(rows, flown)
    show(_plain(scores), json)


@evaluate.command(name="alerts")
def evaluate_alerts(
    alerts: Path,
    /,
    *,
    truth: Path,
    areas: Path,
    forecasts: Path | None = None,
    sensors: Path | None = None,
    report: Path | None = None,
    json: Json = False,
) -> None:
    """In-time share, person-hours against practice and perfect knowledge, lead times, calibration.

    Example: perisai evaluate alerts alerts.parquet --truth truth.parquet --areas communities.geojson --json

    Args:
        alerts: Parquet file of alerts.
        truth: Parquet file of the truth.
        areas: GeoJSON of the areas.
        forecasts: Parquet file of forecasts, for Brier and log score, reliability and interval coverage.
        sensors: the sensors TOML, to score also against what the sensors had in view in time.
        report: HTML file to write: the after-action report on one page.
        json: print the scores as one JSON object.
    """
    from perisai.evaluation import after_action_report, score_alerts
    from perisai.simulation import visible

    rows, flown, ground = read_table(alerts, "alerts"), read_table(truth, "truth"), read_areas(areas)
    foreseen = read_table(forecasts, "forecasts") if forecasts else None
    seen = visible(flown, read_sensors(sensors)) if sensors else None
    with _named(alerts=alerts, truth=truth):
        scores = score_alerts(rows, flown, ground, foreseen, seen)
    if report:
        report.write_text(after_action_report(scores, rows, flown, ground, f"After action: {alerts.name}"), "utf-8")
    show(_plain(scores), json)


@evaluate.command(name="sirens")
def evaluate_sirens(
    intervals: Path,
    /,
    *,
    region: str = "",
    month: str = "",
    snapshots: Path | None = None,
    areas: Path | None = None,
    json: Json = False,
) -> None:
    """The record of real sirens: hours under alert, durations, what alerts smaller than an oblast spared.

    Example: perisai evaluate sirens sirens.parquet --region "Kharkivska oblast" --month 2025-09 --json

    Args:
        intervals: Parquet file of intervals (region, started_at, finished_at, oblast_code).
        region: a name as in the record, or the beginning of an oblast code; without it all.
        month: YYYY-MM; without it all.
        snapshots: Parquet file of what was active once a day (snap, level, oblast_code, raion_code, hromada_code,
            started_at).
        areas: GeoJSON of the areas, for the residents under those; without it the communities of Ukraine.
        json: print the figures as one JSON object.
    """
    from perisai.evaluation import score_sirens

    ground = read_areas(areas or package_data.COMMUNITIES) if snapshots else None
    moments = _parquet(snapshots) if snapshots else None
    record = _parquet(intervals)
    with _named(intervals=intervals, snapshots=snapshots):
        scores = score_sirens(record, region, month, moments, ground)
    show(_plain(scores), json)


def bench(
    what: Literal["tracking", "forecasting", "alerting", "planning", "learning"],
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


@contextmanager
def _named(**files: Path | None) -> Iterator[None]:
    """A stage knows its tables by their kind; who brought them knows them by their files."""
    try:
        yield
    except BadInputError as error:
        kind, mark, rest = error.where.partition(":")
        raise BadInputError(f"{files.get(kind) or kind}{mark}{rest}", error.found, error.expected) from error


def _parquet(path: Path) -> pa.Table:
    """A Parquet file of no schema of ours. Raises BadInputError when it cannot be read."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise BadInputError(str(path), str(error).splitlines()[0], "a Parquet file") from error


def _plain(scores: Any) -> dict[str, Any]:
    return msgspec.to_builtins(
        scores, enc_hook=lambda value: value.item() if hasattr(value, "item") else value.tolist()
    )
