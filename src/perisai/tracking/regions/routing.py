"""Which region's tracker gets which detection: each whose box and overlap it may lie in, and at least one."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from perisai.geodesy import destination
from perisai.model import Frame, Sensor, floats

from .region import TrackerRegion, beyond_all, homes


class Router:
    """Cuts frames of detections for the regions."""

    def __init__(self, regions: Sequence[TrackerRegion], sensors: Sequence[Sensor]) -> None:
        self.regions = tuple(regions)
        self._names = pa.array([sensor.id for sensor in sensors], pa.string())
        self._known = frozenset(sensor.id for sensor in sensors)
        # A last row for a sensor that is not in the file: nowhere, so that the first region counts the reject.
        self._lat = np.array([*(sensor.lat for sensor in sensors), np.nan])
        self._lon = np.array([*(sensor.lon for sensor in sensors), np.nan])
        self._reach = np.array([*(sensor.or_default("max_range_m") for sensor in sensors), 0.0])
        self._overlap = np.array([1000.0 * region.overlap_km for region in self.regions])

    def split(self, frame: Frame) -> list[Frame]:
        """The frame of each region, in the order of the regions.

        A position or a polar plot goes by its place; a bearing or a presence report by all that its sensor reaches.
        Each row counts as a reject in the region it belongs to. What sensors say of themselves goes to all, what
        unknown ones say to the first.
        """
        table = frame.table
        known = tuple(health for health in frame.health if health.sensor in self._known)
        told = [frame.health, *[known] * (len(self.regions) - 1)]
        if table.num_rows == 0:
            return [Frame(frame.end_us, table, health) for health in told]
        mine, home = self._wanted(table)
        return [
            Frame(frame.end_us, table.filter(pa.array(rows)), health, home[rows] == place)
            for place, (rows, health) in enumerate(zip(mine, told, strict=True))
        ]

    def _wanted(self, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Whether each region gets each row, (regions, rows), and the region that each belongs to, (rows,)."""
        at = pa.compute.fill_null(pa.compute.index_in(table["sensor"], self._names), len(self._names))
        sensor = np.asarray(at, np.int64)
        lat, lon = floats(table["lat"]), floats(table["lon"])
        range_m, azimuth = floats(table["range_m"]), floats(table["azimuth_deg"])
        placed = np.isfinite(lat) & np.isfinite(lon)
        plot = ~placed & np.isfinite(range_m) & np.isfinite(azimuth)
        lat, lon = np.where(placed, lat, self._lat[sensor]), np.where(placed, lon, self._lon[sensor])
        lat[plot], lon[plot] = destination(lat[plot], lon[plot], azimuth[plot], range_m[plot])
        reach = np.where(placed | plot, 0.0, self._reach[sensor])
        beyond = beyond_all(self.regions, lat, lon)
        mine = beyond <= self._overlap[:, None] + reach
        home = homes(beyond)
        mine[home, np.arange(sensor.size)] = True
        return mine, home
