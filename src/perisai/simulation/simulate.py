"""A night from the record to its truth and its detections."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import pyarrow as pa

from perisai.model import Areas, Sensor, parse_areas

from .civil import civil_flights
from .flights import truth_table
from .network import default_network
from .observe import observe
from .raid import fly
from .record import night_of


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
) -> Simulated:
    """A raid sized and launched as the record of that date says, seen by the sensors; same arguments, same bytes.

    sensors: by default `default_network(areas)`. areas: by default the communities of Ukraine shipped with Perisai;
    for areas elsewhere the launch areas move with their middle. period_s: spacing of the truth's rows for drones
    (missiles closer). civil: number of civil flights at the edges, seen by Mode S too.
    Raises BadInputError for a date the record lacks, naming the nearest listed.
    """
    record = night_of(night)
    areas = communities() if areas is None else areas
    sensors = default_network(areas) if sensors is None else sensors
    flights = list(fly(record, seed, areas, period_s))
    first, last = min(f.start_us for f in flights), max(f.start_us + int(f.rows[-1, 0] * 1e6) for f in flights)
    flights += civil_flights(areas, seed, civil, first, last)
    truth = truth_table(flights)
    addresses = {i: flight.address for i, flight in enumerate(flights) if flight.address}
    return Simulated(truth, observe(truth, sensors, seed, addresses), sensors)


@cache
def communities() -> Areas:
    """The communities of Ukraine that ship with Perisai."""
    path = files("perisai") / "data" / "ukraine" / "communities.geojson"
    return parse_areas(path.read_bytes(), path.name)
