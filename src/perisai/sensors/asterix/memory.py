"""What decoding remembers from batch to batch: a file is one batch, a live feed has many."""

import numpy as np

from ..imported import repeated
from ..scans import CooperativeScans, LiveAntenna, antenna_scans

KEPT = 20_000
"""Records of each kind kept to know a repetition on a second line by: some seconds of the busiest feed."""


class Memory:
    """live: whether more will come; then a revolution is numbered from the north markers heard so far."""

    def __init__(self, live: bool = False) -> None:
        self._live = live
        self._cooperative: dict[str, CooperativeScans] = {}
        self._antennas: dict[str, LiveAntenna] = {}
        self._turns: dict[str, tuple[np.ndarray, float]] = {}
        self._kept: dict[str, list[np.ndarray]] = {}

    def repeated(self, name: str, *keys: np.ndarray) -> np.ndarray:
        """`imported.repeated`, over earlier batches of this name too."""
        if not self._live:
            return repeated(*keys)
        before = self._kept.get(name)
        both = list(keys) if before is None else [np.concatenate(pair) for pair in zip(before, keys, strict=True)]
        self._kept[name] = [values[-KEPT:] for values in both]
        return repeated(*both)[both[0].size - keys[0].size :]

    def cooperative_scans(self, source: str, period_us: int, time_us: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Scans of a sensor that hears objects tell who they are; times in order, as in `scans.cooperative_scans`."""
        scans = self._cooperative.setdefault(source, CooperativeScans(period_us))
        return scans.number(time_us, codes)

    def turned(self, turns: dict[str, tuple[np.ndarray, float]]) -> None:
        """Take over what service messages told: times of north markers, s since 1970, and the period of rotation, s."""
        if not self._live:
            self._turns |= turns
            return
        for source, (north_s, told_s) in turns.items():
            self._antennas.setdefault(source, LiveAntenna()).north(north_s, told_s)

    def last_north_s(self) -> dict[str, float]:
        """Source -> time of its last north marker in this batch."""
        return {source: float(north_s[-1]) for source, (north_s, _) in self._turns.items() if north_s.size}

    def antenna_scans(self, source: str, time_s: np.ndarray, azimuth_deg: np.ndarray, nominal_s: float) -> np.ndarray:
        """Revolution of each plot of a radar, as in `scans.antenna_scans`. nominal_s: if no period is told."""
        if self._live:
            return self._antennas.setdefault(source, LiveAntenna()).number(time_s, azimuth_deg, nominal_s)
        north_s, told_s = self._turns.get(source, (np.empty(0), float("nan")))
        if not np.isnan(told_s):
            period_s = told_s
        else:
            period_s = float(np.median(np.diff(north_s))) if north_s.size > 1 else nominal_s
        return antenna_scans(time_s, azimuth_deg, period_s, north_s)
