"""The parsers of tables and files for `sensor_fuzz`: bodies of detections, tables and recordings on disk, settings."""

import atexit
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from perisai.model import BadInputError, build, empty, parse_areas, parse_sensors, table_bytes
from perisai.recording import CONFIG_FILE, FRAMES, Recording, read_table
from perisai.sensors import Imported
from perisai.service.config import parse_config
from perisai.service.http.ingest_api import ARROW, parse_detections
from perisai.service.ingest.device_keys import DeviceKeys
from perisai.service.starter import CONFIG_TEXT, SENSORS_TEXT

Take = Callable[[list[tuple[int, bytes]]], Imported]
Made = tuple[Callable[[], Take], list[bytes], list[bytes]]
AREA = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": "A1", "name_en": "One", "population": 5},
            "geometry": {"type": "Polygon", "coordinates": [[[30, 50], [31, 50], [31, 51], [30, 50]]]},
        }
    ],
}


def each(one: Callable[[bytes], object]) -> Callable[[], Take]:
    """A parser that takes a message or refuses it in one line."""

    def take(chunks: list[tuple[int, bytes]]) -> Imported:
        for _, data in chunks:
            try:
                one(data)
            except BadInputError as error:
                assert "\n" not in str(error)
        return Imported(empty("detections"))

    return lambda: take


def parsers() -> dict[str, Made]:
    """Name -> what makes a parser, its seeds, what random messages often begin with."""
    directory = Path(tempfile.mkdtemp(prefix="perisai-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    times = [1_767_268_800_000_000, 1_767_268_801_000_000]
    detections = build("detections", {"time": times, "sensor": ["a", "b"], "lat": [50.0, 51.0], "lon": [30.0, 31.0]})
    rows = [{"time": "2026-01-01T12:00:00Z", "sensor": "a", "lat": 50.0, "lon": 30.0, "address": "x"}]
    frames = pa.table({"end": times, "rows": [2, 0], "health": [None, "[]"]}).cast(FRAMES)
    key = Ed25519PrivateKey.generate()
    keys = DeviceKeys({"mic": key.public_key()})
    return {
        "detections": (
            each(lambda data: [_told(parse_detections, data, kind) for kind in (ARROW, "application/json")]),
            [table_bytes(detections), json.dumps(rows).encode()],
            [b"\xff\xff\xff\xff\x10\x00\x00\x00", b'[{"time":', b"["],
        ),
        "tables": (
            each(lambda data: _file(directory, data)),
            [_parquet(detections), _ipc_file(detections)],
            [b"PAR1", b"ARROW1\0\0"],
        ),
        "recordings": (
            each(lambda data: _recording(directory, data, (_parquet(frames), _parquet(detections)))),
            [_parquet(detections), _parquet(frames)],
            [b"PAR1"],
        ),
        "settings": (
            each(lambda data: parse_config(_text(data), directory / "perisai.toml")),
            [CONFIG_TEXT.encode(), CONFIG_TEXT.replace("\n# ", "\n").encode()],
            [b"[region]\n", b"[[input]]\n", b"[[channel]]\n"],
        ),
        "sensors file": (
            each(lambda data: parse_sensors(_text(data), "fuzz")), [SENSORS_TEXT.encode()], [b"[[sensor]]\n"],
        ),
        "areas": (each(lambda data: parse_areas(data, "fuzz")), [json.dumps(AREA).encode()], [b'{"type":']),
        "signatures": (
            each(lambda data: keys.signer(data.decode("latin-1"), b"body")),
            [b"mic " + b"A" * 86 + b"=="], [b"mic "],
        ),
    }  # fmt: skip


def _told(parse: Callable[..., pa.Table], *given: object) -> None:
    try:
        parse(*given)
    except BadInputError as error:
        assert "\n" not in str(error)


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _ipc_file(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _file(directory: Path, data: bytes) -> None:
    path = directory / ("x.arrow" if data.startswith(b"ARROW1") else "x.parquet")
    path.write_bytes(data)
    read_table(path, "detections").validate(full=True)


def _recording(directory: Path, data: bytes, good: tuple[bytes, bytes]) -> None:
    """A recording in which these are the frames, or the detections, by turns."""
    recording = directory / "recording"
    parts = (data, good[1]) if len(data) % 2 else (good[0], data)
    for kind, content in zip(("frames", "detections"), parts, strict=True):
        (recording / kind).mkdir(parents=True, exist_ok=True)
        (recording / kind / f"{1:012d}-{2:012d}.parquet").write_bytes(content)
    (recording / CONFIG_FILE).write_text("{}")
    for frame in Recording(recording).frames():
        frame.table.validate(full=True)
