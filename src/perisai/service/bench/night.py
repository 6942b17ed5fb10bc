"""A simulated night of all that flies: a raid through the default network of sensors, with civil flights beside it."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from perisai.geodesy import azimuth_deg, distance_m
from perisai.model import THREATS, Sensor, floats, split_frames, time_us
from perisai.simulation import communities, default_network, made_up_night, observe
from perisai.simulation.civil import civil_flights
from perisai.simulation.flights import truth_table
from perisai.tracking import Tracker

COUNTS = {"drone": 30, "cruise": 6, "ballistic": 5, "glide_bomb": 5}
HOURS = 0.5
LONGEST_S = 2_400
CIVIL = 12
NEAR_M = 3_000.0
SLACK_S = 5.0


def night(seed: int) -> tuple[pa.Table, pa.Table, list[Sensor]]:
    """(truth, detections, sensors) of the first LONGEST_S of a night."""
    areas = communities()
    sensors = default_network(areas)
    raid = made_up_night(seed, COUNTS, HOURS, areas)
    first = int(time_us(raid["time"]).min())
    civil = civil_flights(areas, seed, CIVIL, first - 900_000_000, first + LONGEST_S * 1_000_000)
    flown = truth_table(civil)
    shift = int(np.asarray(raid["object"].to_numpy()).max()) + 1
    numbers = np.asarray(flown["object"].to_numpy())
    addresses = {int(shift + k): flight.address or "" for k, flight in enumerate(civil)}
    flown = flown.set_column(flown.schema.get_field_index("object"), "object", pa.array(numbers + shift))
    truth = pa.concat_tables([raid, flown]).sort_by("time")
    truth = truth.filter(pa.array(time_us(truth["time"]) < first + LONGEST_S * 1_000_000))
    truth = truth.filter(pa.array(time_us(truth["time"]) >= first))
    return truth, observe(truth, sensors, seed, addresses), sensors


def tracked(seed: int) -> tuple[pa.Table, pa.Table]:
    """(truth, rows of tracks) of a night."""
    truth, detections, sensors = night(seed)
    tracker = Tracker(sensors)
    return truth, pa.concat_tables([tracker.step(frame) for frame in split_frames(detections)])


class Nearest(NamedTuple):
    """Of n rows: what the object nearest to each is (n,), an index in THREATS or -1 where none is within NEAR_M, and
    how far the row lies east and north of it (n,), m, NaN where none is."""

    kind: np.ndarray
    east_m: np.ndarray
    north_m: np.ndarray


def nearest(rows: pa.Table, truth: pa.Table) -> Nearest:
    """The object nearest to each row at its time, SLACK_S before its life and after included."""
    at, lat, lon = time_us(rows["time"]) * 1e-6, floats(rows["lat"]), floats(rows["lon"])
    number, when = np.asarray(truth["object"].to_numpy()), time_us(truth["time"]) * 1e-6
    flown_lat, flown_lon, kinds = floats(truth["lat"]), floats(truth["lon"]), truth["kind"].to_pylist()
    n = rows.num_rows
    best, kind, azimuth = np.full(n, NEAR_M), np.full(n, -1), np.full(n, np.nan)
    for who in np.unique(number).tolist():
        mine = np.flatnonzero(number == who)
        there = np.flatnonzero((at >= when[mine[0]] - SLACK_S) & (at <= when[mine[-1]] + SLACK_S))
        from_lat = np.interp(at[there], when[mine], flown_lat[mine])
        from_lon = np.interp(at[there], when[mine], flown_lon[mine])
        gap = distance_m(from_lat, from_lon, lat[there], lon[there])
        near = gap < best[there]
        which = there[near]
        best[which], kind[which] = gap[near], THREATS.index(kinds[mine[0]])
        azimuth[which] = azimuth_deg(from_lat[near], from_lon[near], lat[which], lon[which])
    bearing = np.radians(azimuth)
    return Nearest(kind, best * np.sin(bearing), best * np.cos(bearing))
