"""Sensors that are jammed, spoofed, replayed, or report what cannot be.

A sensor under suspicion may confirm what others see and begins nothing by itself; what was repeated or cannot be is
left out. Each is named with the reason, and is believed again when `calm_s` has passed without a sign of it.
"""

import zlib
from typing import Literal

import msgspec
import numpy as np

from .settings import TrustSettings
from .watchers import Watchers

Why = Literal["jammed", "ghosts", "replayed", "impossible", "clock"]
HELD: tuple[Why, ...] = ("jammed", "ghosts")
"""Suspicions for which plots that no track explains are held back."""

SECTORS = 36
LEARNING_SCANS = 10
"""Scans by which a radar's usual is learnt first; nothing is called jamming before."""

LEARNING = 0.05
FASTEST_MPS = 9_000.0
HIGHEST_M = 1_500_000.0
AHEAD_S = 5.0
SAME_PLOTS = 8
"""Plots in a frame that all come again to the last bit: noise never gives that."""

REPLAY_US = 900_000_000
PRINTS = 2_000


class Suspect(msgspec.Struct, frozen=True):
    """A sensor that is not believed, as an operator is told of it. count: signs of it so far."""

    sensor: str
    why: Why
    since_us: int
    last_us: int
    count: int


class Watched(msgspec.Struct):
    """Plots of a radar that no track explains: in this scan by sectors of 10 degrees, and usually; hot scans so far."""

    scan_us: int = 0
    plots: list[int] = []
    scans: int = 0
    usual: float = 0.0
    hot: int = 0
    sectors: list[int] = []


class Suspicion:
    """What is held against each sensor of a network."""

    def __init__(self, watchers: Watchers, settings: TrustSettings) -> None:
        self._watchers, self._settings = watchers, settings
        self.signs: dict[tuple[int, Why], list[int]] = {}
        self.radars: dict[int, Watched] = {}
        self.prints: dict[int, dict[int, int]] = {}

    def sign(self, number: int, why: Why, now_us: int, count: int = 1) -> None:
        """A sign of it: signs are [since, last, count]."""
        held = self.signs.setdefault((number, why), [now_us, now_us, 0])
        held[1] = now_us
        held[2] += count

    def calm(self, now_us: int) -> None:
        """Believe again those of whom nothing was noticed for calm_s."""
        for key, (_, last_us, _) in list(self.signs.items()):
            if now_us - last_us > self._settings.calm_s * 1e6:
                del self.signs[key]

    def suspects(self) -> list[Suspect]:
        ids = self._watchers.ids
        return [Suspect(ids[n], why, *held) for (n, why), held in sorted(self.signs.items())]

    def held_sectors(self, number: int) -> np.ndarray | None:
        """Sectors (36,) of a suspect radar whose unexplained plots do not count; None when it is no suspect."""
        if (number, "ghosts") in self.signs:
            return np.ones(SECTORS, bool)
        if (number, "jammed") in self.signs:
            return np.isin(np.arange(SECTORS), self.radars[number].sectors)
        return None

    def scan(self, number: int, azimuth_deg: np.ndarray, now_us: int) -> None:
        """Azimuths (n,), degrees, of plots in this frame that no track explains; jamming shows as scans end."""
        radar = self.radars.setdefault(number, Watched(scan_us=now_us, plots=[0] * SECTORS))
        period_us = max(1_000_000, int(self._watchers.period_us[number]))
        if now_us - radar.scan_us >= period_us:
            self._end(number, radar, now_us)
            radar.scan_us, radar.plots = now_us, [0] * SECTORS
        sector = (np.nan_to_num(azimuth_deg) % 360.0 / (360.0 / SECTORS)).astype(np.int64) % SECTORS
        found = np.bincount(sector, minlength=SECTORS)
        radar.plots = [a + int(b) for a, b in zip(radar.plots, found, strict=True)]

    def _end(self, number: int, radar: Watched, now_us: int) -> None:
        total, settings = sum(radar.plots), self._settings
        radar.scans += 1
        if radar.scans <= LEARNING_SCANS:
            radar.usual += (total - radar.usual) / radar.scans
            return
        limit = max(float(settings.jam_plots), settings.jam_factor * radar.usual)
        if total <= limit:
            radar.hot = 0
            radar.usual += LEARNING * (total - radar.usual)
            return
        radar.hot += 1
        if radar.hot >= settings.jam_scans:
            even = max(2.0, settings.jam_factor * radar.usual / SECTORS)
            radar.sectors = [sector for sector, plots in enumerate(radar.plots) if plots > even]
            self.sign(number, "jammed", now_us)

    def repeated(self, number: int, measured: np.ndarray, time_us: int) -> bool:
        """Whether a sensor's measurements of a frame (n, k) came before, to the last bit, with another time.

        time_us: of the first. What is sent again under its own time is no replay: the tracker knows it.
        """
        if len(measured) < SAME_PLOTS:
            return False
        known = self.prints.setdefault(number, {})
        mark = zlib.crc32(np.ascontiguousarray(measured).tobytes())
        before = known.pop(mark, None)
        known[mark] = time_us
        while len(known) > PRINTS or (known and time_us - next(iter(known.values())) > REPLAY_US):
            del known[next(iter(known))]
        return before is not None and 0 < time_us - before <= REPLAY_US
