"""A night from the record to its truth and its detections."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import pyarrow as pa

from perisai.model import Areas, BadInputError, Sensor, parse_areas

from .civil import civil_flights, recorded_flights
from .flights import truth_table
from .network import default_network
from .observe import observe
from .raid import fly
from .record import Night, Wave, night_of


@dataclass(frozen=True, slots=True)
class Simulated:
    """What flew and what was reported of it: tables of the schemas truth and detections; the sensors that reported."""

    truth: pa.Table
    detections: pa.Table
    sensors: list[Sensor]


def simulate(
    night: date | str,
    seed: int,
    sensors: list[Sensor] | None = None,
    areas: Areas | None = None,
    *,
    period_s: float = 10.0,
    civil: int = 60,
    flights: pa.Table | None = None,
) -> Simulated:
    """A raid sized and launched as the record of that date says, seen by the sensors; same arguments, same bytes.

    sensors: by default `default_network(areas)`. areas: by default the communities of Ukraine shipped with Perisai;
    for areas elsewhere the launch areas move with their middle. period_s: spacing of the truth's rows for drones
    (missiles closer). civil: number of civil flights at the edges, seen by Mode S too. flights: recorded flights (a
    detections table with positions and addresses) to fly beside them, moved in time so that they begin with the raid.
    Raises BadInputError for a date the record lacks, naming the nearest listed, and for a seed below 0.
    """
    if seed < 0:
        raise BadInputError("seed", str(seed), "0 or more")
    areas = communities() if areas is None else areas
    sensors = default_network(areas) if sensors is None else sensors
    flown = list(fly(night_of(night), seed, areas, period_s))
    first, last = min(f.start_us for f in flown), max(f.start_us + int(f.rows[-1, 0] * 1e6) for f in flown)
    flown += civil_flights(areas, seed, civil, first, last)
    if flights is not None:
        flown += recorded_flights(flights, first)
    truth = truth_table(flown)
    addresses = {i: flight.address for i, flight in enumerate(flown) if flight.address}
    return Simulated(truth, observe(truth, sensors, seed, addresses), sensors)


def raid_truth(night: date | str, seed: int, areas: Areas | None = None, period_s: float = 10.0) -> pa.Table:
    """The truth table of a night of the record without civil flights and without sensors; arguments as `simulate`."""
    return truth_table(fly(night_of(night), seed, communities() if areas is None else areas, period_s))


def made_up_night(
    seed: int, counts: Mapping[str, int], hours: float, areas: Areas | None = None, stopped_share: float = 0.0
) -> pa.Table:
    """The truth table of a raid that no record names: counts by type (drone, cruise, ...) in a span of hours.

    Launch areas are those that the record names most for each type. stopped_share: share shot down on the way.
    """
    start = 1_767_204_000_000_000  # 2025-12-31 18:00 UTC
    end = start + round(hours * 3600e6)
    waves = tuple(Wave(kind, (), start, end, n, round(stopped_share * n)) for kind, n in counts.items())
    night = Night(date(2026, 1, 1), waves)
    return truth_table(fly(night, seed, communities() if areas is None else areas))


def median_night(seed: int, areas: Areas | None = None) -> pa.Table:
    """The truth of ALERTING.md's median night: 110 drones, 8 cruise and 4 ballistic missiles in 8 h, none stopped."""
    return made_up_night(seed, {"drone": 110, "cruise": 8, "ballistic": 4}, 8.0, areas)


@cache
def communities() -> Areas:
    """The communities of Ukraine that ship with Perisai."""
    path = files("perisai") / "data" / "ukraine" / "communities.geojson"
    return parse_areas(path.read_bytes(), path.name)
