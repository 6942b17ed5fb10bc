"""What partners give, as layers of the picture: the newest row of each of their tracks, and how fresh each layer is.

A partner's track is never one of ours: it has its own numbers, raises no alert and takes part in no forecast.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from perisai.model import time_us
from perisai.sharing import heard_us

from ..track_columns import track_columns

KEEP_US = 120_000_000
"""A track that nothing was said of for so long leaves the layer."""

SILENT_US = 15_000_000


@dataclass(slots=True)
class _Track:
    row: dict[str, Any]
    version: int
    time_us: int
    issued_us: int


@dataclass(slots=True)
class _Layer:
    names: dict[str, str]
    tracks: dict[int, _Track] = field(default_factory=dict)
    gone: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=5_000))
    heard_us: int = 0
    end_us: int = 0


class PartnerLayers:
    """The layers of all partners whose tracks are taken. names: by partner, then by language."""

    def __init__(self, names: dict[str, dict[str, str]] | None = None) -> None:
        self._layers = {partner: _Layer(given) for partner, given in (names or {}).items()}

    def take(self, partner: str, table: pa.Table, end_us: int, version: int) -> None:
        """A message of the PARTNERS stream. end_us: of the partner's own picture."""
        layer = self._layers.get(partner)
        if layer is None:
            return
        layer.end_us = max(layer.end_us, end_us)
        layer.heard_us = max(layer.heard_us, heard_us(table))
        times = zip(time_us(table["time"]).tolist(), time_us(table["issued"]).tolist(), strict=True)
        for row, (at_us, issued_us) in zip(table.to_pylist(), times, strict=True):
            known = layer.tracks.get(row["track"])
            if known is not None and known.time_us > at_us:
                continue
            if row["status"] == "ended":
                self._end(layer, row["track"], version)
            else:
                layer.tracks[row["track"]] = _Track(row, version, at_us, issued_us)

    def forget_old(self, now_us: int, version: int) -> bool:
        """Let go of tracks that nothing is said of any more; whether there were any."""
        found = [
            (layer, track)
            for layer in self._layers.values()
            for track, one in layer.tracks.items()
            if now_us - one.issued_us > KEEP_US
        ]
        for layer, track in found:
            self._end(layer, track, version)
        return bool(found)

    def wire(self, since: int, now_us: int) -> list[dict[str, Any]]:
        """The key `partners` of a tick: every layer with its state, and of its tracks what changed after a version."""
        return [
            {
                "id": partner,
                "names": layer.names,
                "state": _state(layer, now_us),
                "age_s": (now_us - layer.end_us) / 1e6 if layer.end_us else None,
                "tracks": track_columns([one.row for one in layer.tracks.values() if one.version > since], "<f8"),
                "gone": np.array(
                    [] if since == 0 else [track for at, track in layer.gone if at > since], dtype="<f8"
                ).tobytes(),
            }
            for partner, layer in self._layers.items()
        ]

    def oldest_gone(self) -> int:
        """The version before which departures are no longer known."""
        full = [layer.gone[0][0] for layer in self._layers.values() if len(layer.gone) == layer.gone.maxlen]
        return max(full, default=0)

    @staticmethod
    def _end(layer: _Layer, track: int, version: int) -> None:
        if layer.tracks.pop(track, None):
            layer.gone.append((version, track))


def _state(layer: _Layer, now_us: int) -> str:
    if not layer.heard_us:
        return "waiting"
    return "live" if now_us - layer.heard_us <= SILENT_US else "silent"
