"""`perisai import`, `track`, `alert`: one stage each, from files to files."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import pyarrow as pa
from cyclopts import Parameter

from perisai.model import alerts_table, empty, split_frames
from perisai.recording import read_table, write_table

from ..config import Config, load_config
from ..files import read_areas, read_sensors
from ..pipeline import AlertBook, AlertStage, TrackStage
from ..warm import warming
from .output import progress, say, show

Out = Annotated[Path, Parameter(name=["-o", "--out"])]
Json = Annotated[bool, Parameter(name="--json", negative="")]


def import_captures(files: list[Path], /, *, sensors: Path | None = None, out: Out, json: Json = False) -> None:
    """Captures (ASTERIX, SAPIENT, Mode S, Remote ID, reports, OpenSky, recorded flights) to detections.

    Example: perisai import radar.pcap adsb.jsonl.gz --sensors sensors.toml -o detections.parquet

    Args:
        files: captures; the format of each is recognised from its content.
        sensors: the sensors TOML that says where the radars of the captures stand.
        out: Parquet file of detections to write.
        json: print the counts as one JSON object.
    """
    from perisai.sensors import read_capture

    known = read_sensors(sensors) if sensors else None
    tables, counts, rejects = [], Counter[str](), Counter[str]()
    for path in progress(files, "reading", len(files)):
        imported = read_capture(path, known)
        tables.append(imported.table)
        counts.update(imported.counts)
        rejects.update(imported.rejects)
    table = pa.concat_tables(tables) if tables else empty("detections")
    table = table.sort_by([("time", "ascending")])
    write_table(table, out)
    show({"detections": table.num_rows, "records": dict(counts), "rejects": dict(rejects)}, json)


def track(detections: Path, /, *, sensors: Path, out: Out, config: Path | None = None, json: Json = False) -> None:
    """Detections to tracks.

    Example: perisai track detections.parquet --sensors sensors.toml -o tracks.parquet

    Args:
        detections: Parquet file of detections.
        sensors: the sensors TOML.
        out: Parquet file of tracks to write.
        config: a perisai.toml whose [tracking] settings are used.
        json: print the counts as one JSON object.
    """
    known, settings = read_sensors(sensors), _config(config)
    table = read_table(detections, "detections")
    with warming(say):
        stage = TrackStage(known, settings)
    rows = [part for frame in progress(split_frames(table), "tracking") if (part := stage.step(frame)).num_rows]
    tracks = pa.concat_tables(rows) if rows else empty("tracks")
    write_table(tracks, out)
    rejects = dict(stage.tracker.rejects)
    count = len(tracks["track"].unique())
    # Radars that are off or measure worse than they say; all others are as the file has them.
    off = [msgspec.to_builtins(h) for h in stage.tracker.registration() if h.state in ("biased", "inconsistent")]
    said = {"detections": table.num_rows, "rows": tracks.num_rows, "tracks": count, "rejects": rejects}
    show(said | ({"sensors": off} if off else {}), json)


def alert(
    tracks: Path,
    /,
    *,
    areas: Path,
    out: Out,
    cap: Path | None = None,
    forecasts: Path | None = None,
    config: Path | None = None,
    json: Json = False,
) -> None:
    """Tracks to alerts.

    Example: perisai alert tracks.parquet --areas communities.geojson -o alerts.parquet --cap cap/

    Args:
        tracks: Parquet file of tracks.
        areas: GeoJSON of the areas to alert.
        out: Parquet file of alerts to write.
        cap: directory for the CAP 1.2 messages.
        forecasts: Parquet file for the forecasts.
        config: a perisai.toml whose settings are used.
        json: print the counts as one JSON object.
    """
    table, places, settings = read_table(tracks, "tracks"), read_areas(areas), _config(config)
    with warming(say):
        stage = AlertStage(places, settings)
    book, foreseen, messages = AlertBook(), [], 0
    if cap:
        cap.mkdir(parents=True, exist_ok=True)
    for frame in progress(split_frames(table, "tracks"), "forecasting and alerting"):
        step = stage.step(frame.table, frame.end_us)
        for change in step.changes:
            book.apply(change)
        if forecasts and step.forecasts is not None and step.forecasts.num_rows:
            foreseen.append(step.forecasts)
        messages += len(step.cap)
        if cap:
            for message in step.cap:
                (cap / f"{message.identifier}.xml").write_bytes(message.xml)
    alerts = alerts_table(book.alerts())
    write_table(alerts, out)
    if forecasts:
        write_table(pa.concat_tables(foreseen) if foreseen else empty("forecasts"), forecasts)
    levels = Counter(alerts["level"].to_pylist())
    show(
        {
            "alerts": alerts.num_rows,
            "levels": dict(levels),
            "still_active": len(book.active()),
            "cap_messages": messages,
        },
        json,
    )


def _config(path: Path | None) -> Config:
    return Config() if path is None else load_config(path)
