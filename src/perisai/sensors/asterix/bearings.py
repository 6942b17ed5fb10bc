"""Radio direction finders: category 205 (EUROCONTROL-SPEC-0149 part 28)."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from perisai.model import Sensor

from ..imported import Sieve
from .clock import times
from .memory import Memory
from .own_plane import places
from .positions import booked
from .records import Records

ITEMS = {
    205: frozenset(("010/SAC", "010/SIC", "000", "030", "050/LAT", "050/LON", "060/X", "060/Y", "070", "080", "110"))
    | {"160", "170", "200"}
}
"""What is read."""

POSITION, BEARING, CONFLICTING, END, SENSOR_DATA = 1, 2, 3, 4, 5


def bearings(
    records: Records, sensors: Mapping[str, Sensor], day: date, rejects: Counter[str], memory: Memory
) -> dict[str, Any]:
    """Columns of the detections table: positions of the system, bearings of the system and of its single sensors.

    A sensor's own bearing (message type 5) is booked on `SAC/SIC/sensor` (item 170). Reports of the end of a detection
    make none. Refused and counted: no position and no bearing, no time.
    """
    name = f"category {records.category:03d}"
    kind = records.field("000")
    seconds = times(records.field("030"), records.received_us, day)
    systems = records.sources()
    single = (kind == SENSOR_DATA) & ~np.isnan(records.field("170"))
    own = [
        f"{system}/{int(number)}" if alone else system
        for system, number, alone in zip(systems, np.nan_to_num(records.field("170")), single, strict=True)
    ]
    sources = np.array(own, object)
    told = records.field("050/LAT"), records.field("050/LON")
    lat, lon = places(told, (records.field("060/X"), records.field("060/Y")), systems, sensors)
    placed = np.isin(kind, (POSITION, CONFLICTING)) & ~(np.isnan(lat) | np.isnan(lon))
    azimuth = np.where(kind == SENSOR_DATA, records.field("070"), records.field("080", "070"))
    directed = np.isin(kind, (BEARING, SENSOR_DATA)) & ~np.isnan(azimuth)
    sieve = Sieve(len(records), rejects)
    sieve.keep &= kind != END
    sieve.refuse(systems == "", f"{name}: no data source")
    sieve.refuse(~(placed | directed), f"{name}: no position and no bearing")
    sieve.refuse(np.isnan(seconds), f"{name}: no time of day")
    again = memory.repeated(name, records.code(), seconds, np.where(placed, lat, azimuth), lon, records.field("170"))
    sieve.refuse(again, f"{name}: repeated on a second line")
    keep = sieve.keep
    sigma_m = records.field("110")
    return {
        **booked(records, sources, seconds, records.field("160"), sensors, keep, memory),
        "lat": np.where(placed, lat, np.nan)[keep],
        "lon": np.where(placed, lon, np.nan)[keep],
        "azimuth_deg": np.where(placed, np.nan, azimuth)[keep],
        "elevation_deg": np.where(placed, np.nan, records.field("200"))[keep],
        "sigma_m": np.where(placed & (sigma_m > 0), sigma_m, np.nan)[keep],
    }
