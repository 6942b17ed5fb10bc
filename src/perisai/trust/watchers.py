"""Which instruments should notice an object at a place."""

from collections.abc import Iterable, Sequence

import numpy as np

from perisai.geodesy import distance_m
from perisai.model import Sensor, SensorHealth

LOW_HORIZON_M = 35_000.0
"""As far as a radar with its antenna at 10 m sees what flies at 30 m: 4.12 km (sqrt(10) + sqrt(30)), refraction of
4/3 of the Earth's radius. Farther out its silence says nothing of a low flyer."""

EAR_SHARE = 0.5
"""An ear notices nearly all within half of its range, and few at its end."""

RADARS = ("radar2d", "radar3d")
EARS = ("presence", "bearing")
NEAR_DEG = 0.5
LIVE_PERIODS = 3.0
LIVE_US = 20_000_000
LEAST_PD = 0.5
"""Who misses every second object is no witness that there is none."""


class Watchers:
    """The radars and ears of a network, when each was heard last, and what they said of themselves."""

    def __init__(self, sensors: Sequence[Sensor]) -> None:
        self.ids = [sensor.id for sensor in sensors]
        self.index = {name: number for number, name in enumerate(self.ids)}
        self.lat = np.array([sensor.lat for sensor in sensors])
        self.lon = np.array([sensor.lon for sensor in sensors])
        self.radar = np.array([sensor.kind in RADARS for sensor in sensors], bool)
        self.ear = np.array([sensor.kind in EARS for sensor in sensors], bool)
        self.period_us = np.array([sensor.or_default("period_s") * 1e6 for sensor in sensors], np.int64)
        self.range_m = np.array([sensor.or_default("max_range_m") for sensor in sensors])
        able = np.array([sensor.or_default("detection_probability") >= LEAST_PD for sensor in sensors], bool)
        self.reach_m = np.where(self.radar, np.minimum(self.range_m, LOW_HORIZON_M), EAR_SHARE * self.range_m)
        self.reach_m[~((self.radar | self.ear) & able)] = -1.0
        self.min_range_m = np.array([sensor.min_range_m for sensor in sensors])
        self.patience_us = np.where(self.ear, 4, 2) * self.period_us
        self.heard_us = np.zeros(len(sensors), np.int64)
        self.well = np.ones(len(sensors), bool)
        self.crowd = np.zeros(len(sensors), bool)
        """Through which people report: these speak for nothing."""

    def hear(self, numbers: np.ndarray, end_us: int, health: Iterable[SensorHealth]) -> None:
        """Sensors (k,) that a frame has rows of, and what sensors said of themselves in it."""
        self.heard_us[numbers] = end_us
        for told in health:
            number = self.index.get(told.sensor)
            if number is not None:
                whole = told.coverage is None or not (told.coverage.sees or told.coverage.hidden)
                self.well[number] = told.state == "ok" and whole

    def over(self, lat: float, lon: float, sigma_m: float, now_us: int) -> np.ndarray:
        """Numbers of the instruments that should notice an object within sigma_m of the place, however low it flies.

        An ear that says nothing may hear nothing: it counts as awake until it says otherwise. A radar is heard at all
        times, by its clutter and by other flights; one that is not counts for nothing.
        """
        near = np.flatnonzero((np.abs(self.lat - lat) < NEAR_DEG) & (self.reach_m > 0.0))
        away_m = distance_m(lat, lon, self.lat[near], self.lon[near])
        near = near[(away_m + sigma_m <= self.reach_m[near]) & (away_m >= self.min_range_m[near])]
        lasting_us = np.maximum(LIVE_PERIODS * self.period_us[near], LIVE_US)
        return near[self.well[near] & (self.ear[near] | (now_us - self.heard_us[near] <= lasting_us))]
