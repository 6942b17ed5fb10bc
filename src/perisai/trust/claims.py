"""What people report, held against what instruments notice there.

Reports that may be of one object make a claim. Every radar and ear that should notice it has `patience_s` to do so. A
claim that one of them confirms, and no more contradict, is `seen`; one that more of them contradict is `unseen`, and
its reports are held back; where nobody watches, reports count as they always did. So however many lie together, they
move nothing where an instrument looks, and no alert is lost where none does.
"""

from typing import Literal, NamedTuple

import msgspec
import numpy as np

from perisai.geodesy import distance_m

from .settings import TrustSettings
from .tracks import Living
from .watchers import Watchers

Verdict = Literal["open", "seen", "unseen"]
SIGMAS = 3.0
FAR_M = 10_000.0
SPEED_MPS = 70.0
"""A claim's object may have come so much farther since its last report; what is faster begins a new claim."""

LASTING_US = 120_000_000
NEW_TRACK_US = 30_000_000
CELL_DEG = 0.1
"""Silence counts once for each instrument and cell of some 10 km: hills that hide one place do not hide the next."""

MOST = 500
MOST_REPORTERS = 2_000
SMOOTHING = 0.1
CROWD = 9
"""The place of a claim is the mean of about so many reports, and known as much better than one of them."""

LOOKS = 2
"""So many plots of a radar confirm: one may be clutter."""


class Claim(msgspec.Struct):
    """Reports that may be of one object. Places in degrees, sigma_m of one report; times in microseconds.

    reporters: by key, with the verdict they were credited with. waiting: instrument and cell (row, column) -> since
    when it should notice. silent: those that did not, -> when. looks, spoke: plots so far, and when the instrument
    last noticed.
    """

    number: int
    lat: float
    lon: float
    sigma_m: float
    begun_us: int
    last_us: int
    verdict: Verdict = "open"
    reports: int = 0
    held: int = 0
    reporters: dict[str, Verdict] = {}
    waiting: dict[tuple[int, int, int], int] = {}
    silent: dict[tuple[int, int, int], int] = {}
    looks: dict[int, int] = {}
    spoke: dict[int, int] = {}


class ClaimView(msgspec.Struct, frozen=True):
    """A claim as an operator is told of it. reporters: up to 50 of their keys; silent, seen_by: instruments."""

    number: int
    lat: float
    lon: float
    since_us: int
    last_us: int
    verdict: Verdict
    reports: int
    held: int
    count: int
    reporters: list[str]
    silent: list[str]
    seen_by: list[str]


class _Witnessed(NamedTuple):
    """Tracks that instruments have seen lately: places (n, 3: lat, lon, sigma_m) as of now, and (when, by whom)."""

    places: np.ndarray
    by: list[tuple[int, list[int]]]


class Claims:
    """The claims of the last minutes."""

    def __init__(self, watchers: Watchers, settings: TrustSettings) -> None:
        self._watchers, self._settings = watchers, settings
        self.open: list[Claim] = []
        self.begun = 0
        self._told_of: list[Claim] | None = None
        self._told = np.zeros((4, 0))
        """Of `_told_of`, while that is `open`: lat, lon, sigma_m, last_us. A flood of reports asks each claim."""

    def join(self, lat: float, lon: float, sigma_m: float, reporter: str, now_us: int) -> Claim:
        """The claim a report belongs to: the nearest it may be of, or a new one."""
        place = self._nearest(lat, lon, sigma_m, now_us)
        if place is None:
            self.begun += 1
            self.open.append(Claim(self.begun, lat, lon, sigma_m, now_us, now_us))
            self._told = np.column_stack([self._told, (lat, lon, sigma_m, now_us)])
            if len(self.open) > MOST:
                oldest = int(np.argmin(self._told[3]))
                del self.open[oldest]
                self._told = np.delete(self._told, oldest, axis=1)
            place = len(self.open) - 1
        claim = self.open[place]
        claim.last_us = now_us
        claim.reports += 1
        share = max(SMOOTHING, 1.0 / claim.reports)
        claim.lat += share * (lat - claim.lat)
        claim.lon += share * (lon - claim.lon)
        claim.sigma_m += share * (sigma_m - claim.sigma_m)
        self._told[:, place] = claim.lat, claim.lon, claim.sigma_m, now_us
        if len(claim.reporters) < MOST_REPORTERS:
            claim.reporters.setdefault(reporter, "open")
        return claim

    def notice(self, number: int, lat: np.ndarray, lon: np.ndarray, reach_m: np.ndarray, now_us: int) -> None:
        """Detections of one instrument at places (n,): claims within SIGMAS of them and reach_m (n,) are noticed."""
        for claim in self.open:
            gate_m = np.minimum(SIGMAS * claim.sigma_m, FAR_M) + reach_m
            found = int(np.count_nonzero(distance_m(claim.lat, claim.lon, lat, lon) <= gate_m))
            if not found:
                continue
            claim.looks[number] = claim.looks.get(number, 0) + 1
            if not self._watchers.radar[number] or claim.looks[number] >= LOOKS:
                claim.spoke[number] = now_us

    def judge(self, living: dict[int, Living], now_us: int) -> list[Claim]:
        """Bring the verdicts up to date; returns the claims whose verdict changed."""
        changed = []
        self.open = [claim for claim in self.open if now_us - claim.last_us <= LASTING_US]
        tracks = self._witnessed(living, now_us) if self.open else None
        for claim in self.open:
            if tracks is not None and tracks.by:
                self._vouch(claim, tracks)
            if claim.last_us == now_us:
                cell = (round(claim.lat / CELL_DEG), round(claim.lon / CELL_DEG))
                sigma_m = claim.sigma_m / min(claim.reports, CROWD) ** 0.5
                for number in self._watchers.over(claim.lat, claim.lon, sigma_m, now_us).tolist():
                    if (number, *cell) not in claim.silent:
                        claim.waiting.setdefault((number, *cell), now_us)
            self._wait(claim, now_us)
            before = claim.verdict
            spoke, silent = len(claim.spoke), len(claim.silent)
            if silent - spoke >= self._settings.refuted:
                claim.verdict = "unseen"
            else:
                claim.verdict = "seen" if spoke and spoke >= silent else "open"
            if claim.verdict != before:
                changed.append(claim)
        return changed

    def passes(self, claim: Claim, now_us: int) -> bool:
        """Whether a report of the claim counts now."""
        if claim.verdict != "open":
            return claim.verdict == "seen"
        if not claim.waiting and not claim.silent:
            return True
        return now_us - claim.begun_us >= self._settings.hold_s * 1e6

    def view(self, claim: Claim) -> ClaimView:
        """What an operator is told."""
        ids = self._watchers.ids
        return ClaimView(
            number=claim.number,
            lat=round(claim.lat, 4),
            lon=round(claim.lon, 4),
            since_us=claim.begun_us,
            last_us=claim.last_us,
            verdict=claim.verdict,
            reports=claim.reports,
            held=claim.held,
            count=len(claim.reporters),
            reporters=sorted(claim.reporters)[:50],
            silent=sorted({ids[key[0]] for key in claim.silent}),
            seen_by=sorted(ids[number] for number in claim.spoke),
        )

    def _nearest(self, lat: float, lon: float, sigma_m: float, now_us: int) -> int | None:
        """The place in `open` of the nearest claim that a report may be of."""
        if self._told_of is not self.open:
            self._told_of = self.open
            self._told = np.array([(c.lat, c.lon, c.sigma_m, c.last_us) for c in self.open]).reshape(-1, 4).T.copy()
        if not self.open:
            return None
        lats, lons, sigmas_m, last_us = self._told
        away_m = distance_m(lat, lon, lats, lons)
        gate_m = np.minimum(SIGMAS * np.hypot(sigma_m, sigmas_m), FAR_M) + SPEED_MPS * ((now_us - last_us) * 1e-6)
        best = int(np.argmin(away_m / gate_m))
        return best if away_m[best] <= gate_m[best] else None

    def _witnessed(self, living: dict[int, Living], now_us: int) -> "_Witnessed":
        """The tracks that may speak for a claim now."""
        crowd = self._watchers.crowd
        found: list[tuple[float, float, float]] = []
        by: list[tuple[int, list[int]]] = []
        for track in living.values():
            if track.neutral or now_us - track.time_us > NEW_TRACK_US:
                continue
            if witnesses := [number for number in track.seen_by if not crowd[number]]:
                found.append((*track.at(now_us), track.sigma_m))
                by.append((track.time_us, witnesses))
        return _Witnessed(np.array(found).reshape(-1, 3), by)

    def _vouch(self, claim: Claim, tracks: "_Witnessed") -> None:
        """Tracks that instruments have seen, and that name themselves as nothing else, speak for the claim."""
        lat, lon, sigma_m = tracks.places.T
        gate_m = np.minimum(SIGMAS * np.hypot(claim.sigma_m, sigma_m), FAR_M)
        for one in np.flatnonzero(distance_m(claim.lat, claim.lon, lat, lon) <= gate_m).tolist():
            time_us, witnesses = tracks.by[one]
            for number in witnesses:
                claim.spoke[number] = max(claim.spoke.get(number, 0), time_us)

    def _wait(self, claim: Claim, now_us: int) -> None:
        """Who has noticed within patience is done waiting; who has not is silent. Old words are forgotten."""
        patience_us = round(self._settings.patience_s * 1e6)
        for number, at_us in list(claim.spoke.items()):
            if now_us - at_us > LASTING_US:
                del claim.spoke[number]
        for key, at_us in list(claim.silent.items()):
            if key[0] in claim.spoke or now_us - at_us > 5 * LASTING_US:
                del claim.silent[key]
        for key, since_us in list(claim.waiting.items()):
            if key[0] in claim.spoke:
                del claim.waiting[key]
            elif now_us - since_us >= max(patience_us, int(self._watchers.patience_us[key[0]])):
                del claim.waiting[key]
                claim.silent[key] = now_us
