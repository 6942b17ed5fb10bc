"""`perisai replay`, `query`: what a recording holds, run again or asked."""

import asyncio
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa

from perisai.alerting import Order
from perisai.model import NOT_JSON, BadInputError, Mode, alerts_table, empty, parse_sensors, time_us
from perisai.recording import AREAS_FILE, CONFIG_FILE, SENSORS_FILE, Recording, read_table, write_table

from ..config import Config
from ..files import read_areas
from ..house import House
from ..logs import set_up_logs
from ..pipeline import AlertBook, AlertStage, TrackStage
from .live import Port, Speed, exercise, tell_address, with_port
from .output import progress, show
from .stages import Json


def replay(
    recording: Path, /, *, speed: Speed | None = None, port: Port = None, out: Path | None = None, json: Json = False
) -> None:
    """Run a recording through the stages again and compare the alerts, row for row; with --speed, show it.

    Example: perisai replay demo-data/recording-2025-09-07-20261124T020000 --speed 20

    Args:
        recording: a directory that `perisai run` or `perisai demo` wrote.
        speed: show it live at this multiple of its pace, as an exercise, instead of comparing.
        port: port of the console when shown; 0 takes a free one.
        out: Parquet file for the alerts of the replay.
        json: print the comparison as one JSON object.
    """
    held = Recording(recording)
    config = _config(held)
    sensors = parse_sensors(held.text(SENSORS_FILE), str(recording / SENSORS_FILE))
    config = msgspec.structs.replace(
        config, region=msgspec.structs.replace(config.region, areas=str(recording / AREAS_FILE))
    )
    if speed is not None:
        _show_again(held, config, sensors, speed, port)
        return
    tracker, alerter, book = (
        TrackStage(sensors, config),
        AlertStage(read_areas(config.region.areas), config),
        AlertBook(),
    )
    orders, absences = _orders(held), absences_of(held.table("absences"))
    for frame in progress(held.frames(), "replaying", held.table("frames").num_rows):
        while orders and orders[0].after_us < frame.end_us:
            given = orders.popleft()
            book.apply_all(alerter.order(given.order, given.at_us).changes)
        book.apply_all(alerter.step(tracker.step(frame, absences.get(frame.end_us, ())), frame.end_us).changes)
    for given in orders:
        book.apply_all(alerter.order(given.order, given.at_us).changes)
    alerts = alerts_table(book.alerts())
    if out:
        write_table(alerts, out)
    live = (
        read_table(recording / "alerts.parquet", "alerts")
        if (recording / "alerts.parquet").exists()
        else empty("alerts")
    )
    same = sum(a == b for a, b in zip(alerts.to_pylist(), live.to_pylist(), strict=False))
    identical = alerts.equals(live)
    show(
        {"alerts_live": live.num_rows, "alerts_replayed": alerts.num_rows, "same_rows": same, "identical": identical},
        json,
    )
    if not identical:
        raise SystemExit(1)


def query(recording: Path, sql: str, /, *, json: Json = False) -> None:
    """SQL over a recording: detections, frames, tracks, forecasts, changes, orders and alerts (DuckDB).

    Example: perisai query demo-data/recording-1 "select level, count(*) n from alerts group by 1"

    Args:
        recording: a directory that `perisai run` or `perisai demo` wrote.
        sql: one statement.
        json: print the rows as one JSON object.
    """
    from perisai.recording import query as ask

    rows = ask(Recording(recording).directory, sql)
    show({"rows": rows} if json else {str(number): row for number, row in enumerate(rows, start=1)}, json)


def _show_again(held: Recording, config: Config, sensors: list, speed: float, port: int | None) -> None:
    directory = held.directory / f"shown-{time.strftime('%Y%m%dT%H%M%S')}"
    mode: Mode = "exercise"
    service = msgspec.structs.replace(config.service, data=str(directory), mode=mode)
    settings = with_port(msgspec.structs.replace(config, service=service, channel=()), port)
    settings, accounts = exercise(settings)
    set_up_logs()
    asyncio.run(House(settings, sensors, accounts).run(held.frames(), speed, tell_address))


def _config(held: Recording) -> Config:
    try:
        return msgspec.json.decode(held.text(CONFIG_FILE), type=Config)
    except NOT_JSON as error:
        raise BadInputError(
            str(held.directory / CONFIG_FILE), str(error), "settings as perisai run wrote them"
        ) from error


def absences_of(table: pa.Table) -> dict[int, list[str]]:
    """The tracker regions that were late, by the end of the frame."""
    out: dict[int, list[str]] = {}
    for end_us, region in zip(time_us(table["end"]).tolist(), table["region"].to_pylist(), strict=True):
        out.setdefault(end_us, []).append(region)
    return out


class _Given(NamedTuple):
    at_us: int
    after_us: int
    order: Order


def _orders(held: Recording) -> deque[_Given]:
    """What operators ordered, in the order it was carried out."""
    table = held.table("orders")
    times = (time_us(table[name]).tolist() for name in ("at", "after"))
    columns = zip(*times, table["order"].to_pylist(), strict=True)
    return deque(
        _Given(at_us, after_us, msgspec.json.decode(order, type=Order)) for at_us, after_us, order in columns if order
    )
