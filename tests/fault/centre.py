"""A centre that plays the drill and goes on with it when it is started again: `python centre.py DIRECTORY SPEED`."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import shapely

from perisai.model import FRAME_US, Frame, alerts_table, empty
from perisai.service.config import Config, InputSettings, RegionSettings, ServiceSettings
from perisai.service.house import House
from perisai.service.identity import IdentitySettings
from perisai.service.logs import set_up_logs
from perisai.service.pipeline import AlertBook, AlertStage, TrackStage
from perisai.service.warm import drill_areas, drill_frames, drill_sensors

QUIET_FRAMES = 100
"""Empty frames behind the drill, so that some alerts end."""


def config(directory: Path) -> Config:
    """Settings of a centre in this directory; the areas of the drill are written there."""
    areas = drill_areas()
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name_en": code, "population": float(areas.population[n])},
            "geometry": msgspec.Raw(shapely.to_geojson(areas.geometry[n]).encode()),
        }
        for n, code in enumerate(areas.code)
    ]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "areas.geojson"
    path.write_bytes(msgspec.json.encode({"type": "FeatureCollection", "features": features}))
    return Config(
        service=ServiceSettings(mode="test", port=0, data=str(directory / "data")),
        region=RegionSettings(areas=str(path), outlines=str(path), basemap=str(path)),
        inputs=InputSettings(),
        identity=IdentitySettings(sign_in_to_view=False),
    )


def frames() -> Iterator[Frame]:
    """The drill, and quiet behind it."""
    end_us = 0
    for frame in drill_frames():
        end_us = frame.end_us
        yield frame
    for number in range(1, QUIET_FRAMES + 1):
        yield Frame(end_us + number * FRAME_US, empty("detections"))


def undisturbed(directory: Path) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Detections, tracks and alerts of the drill as the stages give them when nothing happens."""
    settings = config(directory)
    tracks, alerts, book = TrackStage(drill_sensors(), settings), AlertStage(drill_areas(), settings), AlertBook()
    detections, rows = [], []
    for frame in frames():
        detections.append(frame.table)
        rows.append(tracks.step(frame))
        book.apply_all(alerts.step(rows[-1], frame.end_us).changes)
    return pa.concat_tables(detections), pa.concat_tables(rows), alerts_table(book.alerts())


def main() -> None:
    set_up_logs()
    directory, speed = Path(sys.argv[1]), float(sys.argv[2])

    def ready(address: str) -> None:
        print(address, flush=True)

    asyncio.run(House(config(directory), drill_sensors()).run(frames(), speed, ready))


if __name__ == "__main__":
    main()
