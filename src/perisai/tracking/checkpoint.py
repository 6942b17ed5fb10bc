"""A tracker's checkpoint as bytes: the oldest state of its window and all rows since, to be replayed on restore."""

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from perisai.model import BadInputError, SensorHealth

from .bank import new_bank
from .columns import NO_ROW, ROW
from .snapshot import SAVED, Kept, Snapshot
from .window import Beat

VERSION = 12


def pack_rows(rows: np.ndarray) -> tuple[int, bytes]:
    """Records of detections as their number and compressed bytes."""
    return rows.size, pa.compress(rows.tobytes(), codec="zstd", asbytes=True) if rows.size else b""


def unpack_rows(packed: tuple[int, bytes]) -> np.ndarray:
    """What `pack_rows` was given."""
    n, blob = packed
    if n == 0:
        return NO_ROW
    return np.frombuffer(pa.decompress(blob, n * ROW.itemsize, codec="zstd", asbytes=True), ROW)


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
    others = [[array.tobytes() for array in group] for group in state.others]
    return (arrays, state.free.tobytes(), state.counters.tobytes(), others, sorted(state.airliners))


def unpack_state(saved: tuple[Any, ...], others: list[Kept]) -> Snapshot:
    """The state again; others: such arrays as it held."""
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
        tuple(
            tuple(np.frombuffer(c, o.dtype).reshape(o.shape) for c, o in zip(group, kept.arrays, strict=True))
            for group, kept in zip(rest, others, strict=True)
        ),
        frozenset(airliners),
        sum(array.nbytes for array in bank) + len(free),
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
