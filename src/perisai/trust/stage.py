"""The stage between ingest and tracker: frames in, the same frames out without what is not believed. Pure and exact."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from perisai.geodesy import destination, distance_m
from perisai.model import BadInputError, Frame, Sensor, floats, time_us

from .claims import Claim, Claims, ClaimView
from .reporters import Reporters
from .settings import TrustSettings
from .suspicion import AHEAD_S, FASTEST_MPS, HIGHEST_M, SECTORS, Suspect, Suspicion, Watched
from .tracks import Living, among, around, cells, take
from .watchers import Watchers

VERSION = 1
REASONS = ("", "impossible", "replayed", "suspect sensor", "doubted reporter", "not seen by instruments")
"""Why a row is left out."""
IMPOSSIBLE, REPLAYED, SUSPECT, DOUBTED, UNSEEN = range(1, len(REASONS))
NEAR_NEUTRAL_M = 2_000.0
DEFAULT_SIGMA_M = 2_500.0
COOPERATIVE = ("modes", "remote_id")


class Standing(msgspec.Struct, frozen=True):
    """What an operator is told: suspect sensors, claims that are held or refuted, and reporters who are doubted.

    reporters: (key, claims seen, claims refuted), at most 100; doubted: how many they are. held: reports and plots
    held back so far, by reason.
    """

    sensors: list[Suspect]
    claims: list[ClaimView]
    reporters: list[tuple[str, int, int]]
    doubted: int
    held: dict[str, int]


class _State(msgspec.Struct):
    version: int
    heard_us: bytes
    well: bytes
    crowd: bytes
    living: dict[int, Living]
    claims: list[Claim]
    begun: int
    reporters: Reporters
    signs: dict[str, list[int]]
    radars: dict[int, Watched]
    prints: dict[int, dict[int, int]]
    held: dict[str, int]


class Trust:
    """Driven by `step`, and by `learn` with what the tracker made of the frame. held: rows left out, by reason.

    left: the reason of each row of a frame, (n,) index of REASONS.
    """

    def __init__(self, sensors: Sequence[Sensor], settings: TrustSettings | None = None) -> None:
        self.settings = settings or TrustSettings()
        self.watchers = Watchers(sensors)
        self.claims = Claims(self.watchers, self.settings)
        self.suspicion = Suspicion(self.watchers, self.settings)
        self.reporters = Reporters()
        self.held: Counter[str] = Counter()
        self._living: dict[int, Living] = {}
        self._instruments = {s.id: n for n, s in enumerate(sensors) if s.kind not in COOPERATIVE}
        self._noticing = np.array([s.kind not in COOPERATIVE for s in sensors], bool)

    def step(self, frame: Frame) -> Frame:
        """The frame without reports that instruments contradict, and without what suspect sensors alone report."""
        table, now_us = frame.table, frame.end_us
        self.suspicion.calm(now_us)
        left = np.zeros(table.num_rows, np.int8)
        if table.num_rows:
            number = self._numbers(table)
            reporter = table["reporter"]
            people = ~np.asarray(reporter.is_null().to_numpy()) if reporter.null_count < len(reporter) else left > 0
            self.watchers.crowd[np.unique(number[(number >= 0) & people])] = True
            self.watchers.hear(np.unique(number[(number >= 0) & ~people]), now_us, frame.health)
            self._impossible(table, number, now_us, left)
            self._instruments_of(table, number, np.flatnonzero((number >= 0) & ~people & (left == 0)), now_us, left)
            self._people(table, np.flatnonzero(people), now_us, left)
        else:
            self.watchers.hear(np.zeros(0, np.int64), now_us, frame.health)
            self._judge(now_us)
        if not left.any():
            return frame
        counted = np.ones(left.size, bool) if frame.counted is None else frame.counted
        times = np.bincount(left[counted], minlength=len(REASONS)).tolist()
        self.held.update({why: n for why, n in zip(REASONS[1:], times[1:], strict=True) if n})
        if not self.settings.enabled:
            return frame
        keep = left == 0
        return Frame(now_us, table.filter(pa.array(keep)), frame.health, counted[keep])

    def learn(self, rows: pa.Table, now_us: int) -> None:
        """What the tracker made of the frame."""
        take(self._living, rows, self._instruments)
        self._ghosts(now_us)

    def standing(self) -> Standing:
        """What is to be told now."""
        telling = [c for c in self.claims.open if c.verdict == "unseen" or c.held]
        worst = self.reporters.worst(100)
        doubted = sum(self.reporters.doubted(name) for name in self.reporters.votes)
        views = [self.claims.view(claim) for claim in telling]
        return Standing(self.suspicion.suspects(), views, worst, doubted, dict(self.held))

    def checkpoint(self) -> bytes:
        """All that `restore` needs to go on exactly as this one would."""
        suspicion, watchers = self.suspicion, self.watchers
        signs = {f"{number} {why}": held for (number, why), held in suspicion.signs.items()}
        state = _State(
            VERSION, watchers.heard_us.tobytes(), watchers.well.tobytes(), watchers.crowd.tobytes(), self._living,
            self.claims.open, self.claims.begun, self.reporters, signs, suspicion.radars, suspicion.prints,
            dict(self.held),
        )  # fmt: skip
        return msgspec.msgpack.encode(state)

    @classmethod
    def restore(cls, blob: bytes, sensors: Sequence[Sensor], settings: TrustSettings | None = None) -> "Trust":
        """Trust as it was at the checkpoint, for the same sensors. Raises BadInputError when the blob is not one."""
        made = cls(sensors, settings)
        try:
            state = msgspec.msgpack.decode(blob, type=_State)
        except msgspec.MsgspecError as error:
            raise BadInputError("trust checkpoint", str(error), "bytes of Trust.checkpoint()") from error
        heard_us = np.frombuffer(state.heard_us, np.int64).copy()
        if state.version != VERSION or heard_us.size != len(sensors):
            raise BadInputError("trust checkpoint", f"of {heard_us.size} sensors", f"{len(sensors)} sensors")
        made.watchers.heard_us, made.watchers.well = heard_us, np.frombuffer(state.well, bool).copy()
        made.watchers.crowd = np.frombuffer(state.crowd, bool).copy()
        made._living, made.claims.open, made.claims.begun = state.living, state.claims, state.begun
        made.reporters, made.held = state.reporters, Counter(state.held)
        keys: Any = ((text.split(" "), held) for text, held in state.signs.items())
        made.suspicion.signs = {(int(number), why): held for (number, why), held in keys}
        made.suspicion.radars, made.suspicion.prints = state.radars, state.prints
        return made

    def _numbers(self, table: pa.Table) -> np.ndarray:
        """The sensor's number of each row, -1 for one that is not known."""
        coded = table["sensor"].combine_chunks().dictionary_encode()
        known = [self.watchers.index.get(name, -1) for name in coded.dictionary.to_pylist()]
        codes = np.asarray(coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False), np.int64)
        return np.array([*known, -1], np.int64)[codes]

    def _instruments_of(
        self, table: pa.Table, number: np.ndarray, rows: np.ndarray, now_us: int, left: np.ndarray
    ) -> None:
        """Leave out what suspect sensors alone report. What rows of instruments notice of open claims is taken down."""
        measured = {name: floats(table[name]) for name in ("lat", "lon", "range_m", "azimuth_deg")}
        at_us = time_us(table["time"])
        order = rows[np.argsort(number[rows], kind="stable")]
        bounds = np.flatnonzero(np.diff(number[order])) + 1
        about: np.ndarray | None = None
        for own in np.split(order, bounds) if order.size else ():
            one = int(number[own[0]])
            is_radar = bool(self.watchers.radar[one])
            if is_radar and self.suspicion.repeated(
                one, np.column_stack([column[own] for column in measured.values()]), int(at_us[own[0]])
            ):
                self.suspicion.sign(one, "replayed", now_us, own.size)
                left[own] = REPLAYED
                continue
            if not is_radar and not self.claims.open:
                continue
            lat, lon, reach_m = self._places(one, own, measured)
            if is_radar:
                about = around(self._living, now_us) if about is None else about
                explained = among(cells(lat, lon), about)
                azimuth = measured["azimuth_deg"][own]
                self.suspicion.scan(one, azimuth[~explained], now_us)
                held = self.suspicion.held_sectors(one)
                if held is not None:
                    sector = (np.nan_to_num(azimuth) % 360.0 / (360.0 / SECTORS)).astype(np.int64) % SECTORS
                    out = ~explained & held[sector]
                    left[own[out]] = SUSPECT
                    lat, lon, reach_m = lat[~out], lon[~out], reach_m[~out]
            if self.claims.open and self._noticing[one] and lat.size:
                free = ~self._neutral_near(lat, lon, now_us)
                self.claims.notice(one, lat[free], lon[free], reach_m[free], now_us)

    def _impossible(self, table: pa.Table, number: np.ndarray, now_us: int, left: np.ndarray) -> None:
        """Leave out what flies faster or higher than anything does; name who sends it, and whose clock is ahead."""
        speed = np.sqrt(sum(np.nan_to_num(floats(table[name])) ** 2 for name in ("ve_mps", "vn_mps", "vu_mps")))
        wrong = (speed > FASTEST_MPS) | (np.abs(np.nan_to_num(floats(table["alt_m"]))) > HIGHEST_M)
        if wrong.any():
            left[wrong] = IMPOSSIBLE
            for one, count in zip(*np.unique(number[wrong & (number >= 0)], return_counts=True), strict=True):
                self.suspicion.sign(int(one), "impossible", now_us, int(count))
        ahead = time_us(table["time"]) > now_us + round(AHEAD_S * 1e6)
        for one in np.unique(number[ahead & (number >= 0)]) if ahead.any() else ():
            self.suspicion.sign(int(one), "clock", now_us)

    def _places(self, one: int, own: np.ndarray, measured: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
        """Places of detections, degrees, and how far around each the object may be, m; an ear's is its whole reach."""
        watchers = self.watchers
        lat, lon, range_m = (measured[name][own] for name in ("lat", "lon", "range_m"))
        polar, nowhere = ~np.isnan(range_m) & np.isnan(lat), np.isnan(range_m) & np.isnan(lat)
        if polar.any():
            far = destination(watchers.lat[one], watchers.lon[one], measured["azimuth_deg"][own], range_m)
            lat, lon = np.where(polar, far[0], lat), np.where(polar, far[1], lon)
        lat, lon = np.where(nowhere, watchers.lat[one], lat), np.where(nowhere, watchers.lon[one], lon)
        return lat, lon, np.where(nowhere, watchers.range_m[one], 0.0)

    def _neutral_near(self, lat: np.ndarray, lon: np.ndarray, now_us: int) -> np.ndarray:
        """Detections (n,) of flights that say who they are: these speak for no claim."""
        near = np.zeros(lat.size, bool)
        for track in self._living.values():
            if track.neutral:
                near |= np.asarray(distance_m(*track.at(now_us), lat, lon)) <= NEAR_NEUTRAL_M
        return near

    def _people(self, table: pa.Table, rows: np.ndarray, now_us: int, left: np.ndarray) -> None:
        """Leave out reports of people that do not pass: they join claims in order, and pass with them."""
        if not rows.size:
            self._judge(now_us)
            return
        lat, lon, sigma_m = (floats(table[name]) for name in ("lat", "lon", "sigma_m"))
        names = table["reporter"].to_pylist()
        joined: list[tuple[int, Claim]] = []
        for row in rows.tolist():
            if np.isnan(lat[row]) or np.isnan(lon[row]):
                continue
            sigma = DEFAULT_SIGMA_M if np.isnan(sigma_m[row]) else float(sigma_m[row])
            joined.append((row, self.claims.join(float(lat[row]), float(lon[row]), sigma, names[row], now_us)))
        self._judge(now_us)
        for row, claim in joined:
            self.reporters.credit(claim, (names[row],))
            doubted = claim.verdict != "seen" and self.reporters.doubted(names[row])
            if doubted or not self.claims.passes(claim, now_us):
                left[row] = DOUBTED if doubted else UNSEEN
                claim.held += 1

    def _judge(self, now_us: int) -> None:
        for claim in self.claims.judge(self._living, now_us):
            self.reporters.credit(claim, claim.reporters)

    def _ghosts(self, now_us: int) -> None:
        """Radars with tracks that nobody else sees where others should, and hardly any that others see as well."""
        if now_us % 5_000_000:
            return
        alone: Counter[int] = Counter()
        shared: Counter[int] = Counter()
        for track in self._living.values():
            if not track.confirmed or track.neutral or not track.seen_by:
                continue
            for one in track.seen_by if len(track.seen_by) > 1 else ():
                shared[one] += 1
            first = track.seen_by[0]
            watching = self.watchers.over(*track.at(now_us), track.sigma_m, now_us) if len(track.seen_by) == 1 else []
            others = sum(bool(self.watchers.radar[n]) for n in watching if n != first)
            if others < 2 or not self.watchers.radar[first]:
                track.alone_us = 0
                continue
            track.alone_us = track.alone_us or now_us
            alone[first] += now_us - track.alone_us >= self.settings.alone_s * 1e6
        for one, ghosts in alone.items():
            if ghosts >= self.settings.ghosts and ghosts > shared[one]:
                self.suspicion.sign(one, "ghosts", now_us)
