"""When a simulated night begins to matter."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from perisai.model import Areas, floats, time_us

CHUNK = 20_000


def first_danger_us(truth: pa.Table, areas: Areas) -> int:
    """The time at which the first hostile object is over an area, microseconds; the first row's when none ever is."""
    hostile = truth.filter(pc.fill_null(truth["hostile"], True)).sort_by("time")
    tree = shapely.STRtree(areas.geometry)
    times, lat, lon = time_us(hostile["time"]), floats(hostile["lat"]), floats(hostile["lon"])
    for start in range(0, len(times), CHUNK):
        points = shapely.points(lon[start : start + CHUNK], lat[start : start + CHUNK])
        inside = tree.query(points, predicate="within")[0]
        if inside.size:
            return int(times[start + int(np.min(inside))])
    return int(time_us(truth["time"])[0]) if truth.num_rows else 0
