"""Nights for planning: approaches from truth, and the real chain run over a network to see who is warned in time."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.evaluation import score_alerts
from perisai.evaluation.passages import on_plane, passages
from perisai.geodesy import Plane, plane_at
from perisai.model import Areas, BadInputError, Sensor, alerts_table, floats, split_frames
from perisai.planning import Approaches, Paths, Placed, Terrain, approaches_of, joined, unit_of
from perisai.simulation import made_up_night, observe

from ..config import Config
from ..pipeline import AlertBook, AlertStage, TrackStage
from .parts import ground_at

MIX = {"drone": 110, "cruise": 8, "ballistic": 4}
"""The median night of ../shared/ALERTING.md, in eight hours."""
NIGHT_H = 8.0
SETTLED_H = 2.0
"""A night cut short begins so long after its first row, when objects are on their way."""


class Lived(msgspec.Struct, frozen=True):
    """A simulated night through simulator, tracker, forecaster and alerter: residents approached and warned in time."""

    seed: int
    approached: float
    warned: float
    share: float
    by_kind: dict[str, float]
    alarms: int
    false_alarms: int


def plane_of(areas: Areas) -> Plane:
    """The plane on which `perisai.evaluation` scores these areas."""
    return plane_at(float((areas.lat.min() + areas.lat.max()) / 2), float((areas.lon.min() + areas.lon.max()) / 2))


def placed_of(sensors: list[Sensor], terrain: Terrain | None = None) -> Placed:
    """Sensors as planning sees them, over terrain when given."""
    ground = [ground_at(terrain, sensor.lat, sensor.lon) for sensor in sensors]
    return Placed(
        tuple(unit_of(sensor, height) for sensor, height in zip(sensors, ground, strict=True)),
        np.array([sensor.lat for sensor in sensors], float),
        np.array([sensor.lon for sensor in sensors], float),
    )


def night(seed: int, areas: Areas, hours: float | None = None) -> pa.Table:
    """The truth of a made-up night of the median size; with hours only so many, once objects are on their way."""
    truth = made_up_night(seed, MIX, NIGHT_H, areas)
    if hours is None:
        return truth
    start = pc.min(truth["time"]).as_py() + timedelta(hours=SETTLED_H)
    inside = pc.and_(
        pc.greater_equal(truth["time"], pa.scalar(start, truth["time"].type)),
        pc.less(truth["time"], pa.scalar(start + timedelta(hours=hours), truth["time"].type)),
    )
    return truth.filter(inside)


def approaches_from(truth: pa.Table, areas: Areas) -> Approaches:
    """Every approach of a truth table that counts in the score (the object flew as long as the warning needs)."""
    flights, circles = on_plane(truth, areas)
    if not len(flights.number):
        raise BadInputError("truth", "no hostile object", "at least one hostile object")
    hostile = truth.filter(pc.fill_null(truth["hostile"], True))
    height = np.nan_to_num(floats(hostile.sort_by([("object", "ascending"), ("time", "ascending")])["alt_m"]))
    events = passages(flights, circles)
    use = events.counted
    paths = Paths(flights.time, flights.east, flights.north, height, flights.first)
    due = events.enter[use] - events.lead[use]
    who, area = events.object[use], events.area[use]
    return approaches_of(plane_of(areas), paths, flights.kind, who, area, due, circles.weight[area])


def mean_night(seeds: range, areas: Areas) -> Approaches:
    """Approaches of several made-up nights; people are those of the mean night."""
    return joined([approaches_from(night(seed, areas), areas) for seed in seeds])


def live(
    sensors: list[Sensor],
    truth: pa.Table,
    areas: Areas,
    seed: int,
    config: Config,
    tell: Callable[[float], None] | None = None,
) -> Lived:
    """What the real chain makes of a night seen by these sensors; without any, nobody is warned."""
    approached = float(approaches_from(truth, areas).people.sum())
    if not sensors:
        return Lived(seed, approached, 0.0, 0.0, {}, 0, 0)
    book = AlertBook()
    tracker, stage = TrackStage(sensors, config), AlertStage(areas, config)
    detections = observe(truth, sensors, seed)
    begin, end = (pc.cast(f(truth["time"]), pa.int64()).as_py() for f in (pc.min, pc.max))
    for frame in split_frames(detections):
        for change in stage.step(tracker.step(frame), frame.end_us).changes:
            book.apply(change)
        if tell:
            tell((frame.end_us - begin) / max(end - begin, 1))
    scores = score_alerts(alerts_table(book.alerts()), truth, areas)
    return Lived(
        seed, approached, scores.in_time * approached, scores.in_time, scores.in_time_by_kind, scores.alarms,
        scores.false_alarms,
    )  # fmt: skip
