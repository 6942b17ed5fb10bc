"""What is more than the house follows goes in the stated order; fault/test_overload.py has a raid under it."""

import numpy as np
import pyarrow as pa

from perisai.model import Sensor, build
from perisai.service.ingest.shedding import CLASSES, Shedder

CAPACITY = 2_000
SENSORS = [
    Sensor(id="radar", kind="radar2d", lat=50.0, lon=30.0),
    Sensor(id="ear", kind="presence", lat=50.0, lon=30.0),
    Sensor(id="citizens", kind="position", lat=50.0, lon=30.0),
    Sensor(id="adsb", kind="modes", lat=50.0, lon=30.0),
]
SHARES = {"radar": 0.1, "ear": 0.05, "citizens": 0.2, "adsb": 0.65}


def batch(rows: int, rng: np.random.Generator) -> pa.Table:
    names = rng.choice(list(SHARES), rows, p=list(SHARES.values()))
    people = ["p" if name == "citizens" else None for name in names]
    return build("detections", {"time": np.full(rows, 1), "sensor": names.tolist(), "reporter": people})


def test_what_matters_most_goes_last():
    rng, shedder = np.random.default_rng(1), Shedder(CAPACITY, SENSORS)
    kept = [shedder.admit(batch(200, rng), 1.0 + n / 50) for n in range(500)]
    whole = pa.concat_tables(kept)
    assert CAPACITY * 9 < whole.num_rows <= CAPACITY * 11, "as much as fits in ten seconds goes in"
    kept_of = {name: whole["sensor"].to_pylist().count(name) / (500 * 200 * part) for name, part in SHARES.items()}
    assert shedder.shed["radar"] == shedder.shed["ear"] == 0
    assert kept_of["adsb"] < kept_of["citizens"] < 0.5
    assert sum(shedder.shed.values()) + whole.num_rows == 100_000 and set(shedder.shed) <= set(CLASSES)


def test_what_fits_passes_and_without_a_limit_all_does():
    rng, shedder = np.random.default_rng(2), Shedder(CAPACITY, SENSORS)
    for n in range(100):
        table = batch(30, rng)
        assert shedder.admit(table, 1.0 + n / 50) is table
    assert not shedder.shed
    large = batch(50_000, rng)
    assert Shedder(0, SENSORS).admit(large, 1.0) is large
