"""A tracker's checkpoint as bytes: the oldest state of its window and all rows since, to be replayed on restore."""

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from perisai.model import BadInputError, SensorHealth, conform

from .bank import new_bank
from .snapshot import SAVED, Snapshot
from .window import Beat

VERSION = 7
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


def pack_rows(table: pa.Table | None) -> bytes:
    """A table of detections as an Arrow stream without its empty columns; nothing as nothing."""
    if table is None or table.num_rows == 0:
        return b""
    given = [name for name in table.column_names if table[name].null_count < table.num_rows]
    # Taken anew, so that no bit beyond the last row is left of what the table was cut from.
    kept = table.select(given).take(pa.array(np.arange(table.num_rows))).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, kept.schema, options=_OPTIONS) as writer:
        writer.write_table(kept)
    return sink.getvalue().to_pybytes()


def unpack_rows(blob: bytes) -> pa.Table | None:
    """What `pack_rows` was given."""
    if not blob:
        return None
    with pa.ipc.open_stream(blob) as reader:
        table = reader.read_all()
    return conform(table, "detections", "tracker checkpoint") if table.num_rows else None


def pack_beat(beat: Beat) -> tuple[Any, ...]:
    """A beat without its state."""
    if beat.packed is None:
        beat.packed = pack_rows(beat.rows)
    return (beat.end_us, beat.packed, beat.before is not None, beat.tracks.tobytes(), msgspec.to_builtins(beat.told))


def unpack_beat(saved: tuple[Any, ...]) -> tuple[Beat, bool, np.ndarray]:
    """(the beat, whether it held a state, the public numbers of the rows it put out)."""
    end_us, packed, marked, tracks, said = saved
    told = msgspec.convert(said, tuple[SensorHealth, ...])
    return Beat(end_us, unpack_rows(packed), packed=packed, told=told), marked, np.frombuffer(tracks, np.int64)


def pack_state(state: Snapshot) -> tuple[Any, ...]:
    """A state as bytes by array."""
    arrays = [array.tobytes() for array in state.bank]
    others = [array.tobytes() for array in state.others]
    return (arrays, state.free.tobytes(), state.counters.tobytes(), others, sorted(state.airliners))


def unpack_state(saved: tuple[Any, ...], others: list[np.ndarray]) -> Snapshot:
    """The state again; others: arrays of the types and shapes of those it held."""
    arrays, free, counters, rest, airliners = saved
    like = new_bank(1)
    bank = []
    for name, content in zip(SAVED, arrays, strict=True):
        one = getattr(like, name)
        bank.append(np.frombuffer(content, one.dtype).reshape(-1, *one.shape[1:]))
    return Snapshot(
        tuple(bank),
        np.frombuffer(free, np.int32),
        np.frombuffer(counters, np.int64),
        tuple(np.frombuffer(c, o.dtype).reshape(o.shape) for c, o in zip(rest, others, strict=True)),
        frozenset(airliners),
    )


def decode(blob: bytes, sensors: list[str]) -> dict[str, Any]:
    """The parts of a checkpoint. Raises BadInputError when it is none, of another version or of other sensors."""
    try:
        saved: dict[str, Any] = msgspec.msgpack.decode(blob)
        version = saved["version"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadInputError("tracker checkpoint", "not readable", "bytes of Tracker.checkpoint()") from error
    if version != VERSION:
        raise BadInputError("tracker checkpoint: version", str(version), str(VERSION))
    if saved["sensors"] != sensors:
        raise BadInputError("tracker checkpoint: sensors", "another list", "the sensors it was made with")
    return saved
