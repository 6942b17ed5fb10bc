"""No kernel is compiled in the middle of a raid: what the drill compiled is all that a night needs."""

import itertools
import sys

import pyarrow.compute as pc
from numba.core.dispatcher import Dispatcher

from perisai.model import split_frames
from perisai.service.config import Config
from perisai.service.pipeline import AlertStage, TrackStage
from perisai.service.warm import fly_drill
from perisai.simulation import communities, default_network, made_up_night, observe

NIGHT = {"drone": 12, "cruise": 3, "ballistic": 3, "glide_bomb": 2}


def _compiled() -> dict[str, set]:
    kernels = [
        value
        for name, module in list(sys.modules.items())
        if name.startswith("perisai.")
        for value in vars(module).values()
        if isinstance(value, Dispatcher)
    ]
    return {f"{one.py_func.__module__}.{one.py_func.__qualname__}": set(one.signatures) for one in kernels}


def test_after_the_drill_a_night_compiles_nothing():
    assert fly_drill() > 0
    areas = communities()
    sensors = [sensor for sensor in default_network(areas) if sensor.kind != "bearing"]
    sensors = [sensor for number, sensor in enumerate(sensors) if sensor.kind != "presence" or number % 4 == 0]
    detections = observe(made_up_night(11, NIGHT, 0.3, areas), sensors, 11)
    tracks, alerts = TrackStage(sensors, Config()), AlertStage(areas, Config())
    before = _compiled()
    assert any(before.values())
    kinds: set[str] = set()
    for frame in itertools.islice(split_frames(detections), 1_200):
        rows = tracks.step(frame)
        kinds |= {kind for kind in ("p_ballistic", "p_drone") if rows.num_rows and pc.max(rows[kind]).as_py() > 0.9}
        alerts.step(rows, frame.end_us)
    assert kinds == {"p_ballistic", "p_drone"}
    stages = ("perisai.tracking", "perisai.forecasting")
    late = {name: signatures - before.get(name, set()) for name, signatures in _compiled().items()}
    assert not [name for name, signatures in late.items() if signatures and name.startswith(stages)]
