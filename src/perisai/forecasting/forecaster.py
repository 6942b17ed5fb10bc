"""The forecaster: keeps the latest state of each track and, on its beat, says which areas it may reach and when."""

import math
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import ARRIVED_S, FRAME_US, THREATS, Areas, BadInputError, build, empty, floats, time_us

from . import book as bk
from . import legs as lg
from .book import absorb
from .courses import no_legs
from .draws import draw, first_draws
from .index import build_index
from .judge import BALLISTIC, judge
from .rollout import forecast_all
from .settings import ForecastSettings
from .states import motions, moving
from .trail import LEADERS, drop_crumbs, find_leaders, no_trail

STRAIGHT_Q = 0.01
"""Noise of a straight leg, m2/s3: wind and steering, 0.1 m/s in a second."""
WARNING_GRADE = (0.9, 400.0)
"""A tentative track goes out at once above this existence and speed, m/s (TRACKING.md, section 5)."""
FEWEST = 128
"""Rollouts that every track has, however many tracks there are."""
ROWS_A_TRACK = 16
"""Room for so many areas a track: where there is less than is found, all is foreseen a second time."""
OVER_SHARE, OVER_S = 0.1, 60.0
"""Of tracks that their source ended without missing them before, the share that flies on, and its decay: not none, for
a source may be wrong, or begin anew."""


_STORES = ("_book", "_legs", "_flown", "_flown_count", "_trail", "_crumbs")
"""What is kept of each track, a row a slot."""


class _State(msgspec.Struct):
    version: int
    last_us: int
    tracks: list[int]
    now_s: float
    stores: list[bytes]


class Forecaster:
    """Tracks in, forecasts out. Call `step` with every frame; it answers on its own beat, else with an empty table.

    areas: what may be reached. settings: see ForecastSettings. Pure: the same frames give the same forecasts.
    """

    def __init__(self, areas: Areas, settings: ForecastSettings | None = None) -> None:
        self.settings = settings or ForecastSettings()
        self._index = build_index(areas, self.settings.danger_radius_m)
        self._codes = pa.array(areas.code, pa.string())
        self._draws = draw(self.settings.particles)
        self._weight = np.maximum(areas.population, 500.0) ** self.settings.destination_power
        self._motion = motions(self.settings)
        self._civil = frozenset(address.lower() for address in self.settings.civil_addresses)
        self._slot: dict[int, int] = {}
        self._book = np.zeros((64, bk.COLUMNS))
        self._legs = np.zeros((64, lg.HYPOTHESES, lg.COLUMNS))
        self._flown, self._flown_count = no_legs(64)
        self._trail, self._crumbs = no_trail(64)
        self._before_us, self._last_us = 0, 0
        self._now_s = 0.0
        self._limit = 4096

    def beat(self, end_us: int) -> bool:
        """Whether the frame that ends at end_us is a beat: then the table `step` gives is the whole danger, also when
        it is empty, and the alerter must be stepped with it. Between beats the alerter is not stepped. Where frames are
        missing, as after the bus stood still, the next one is the beat that would have been among them."""
        period = self.settings.period_s * FRAME_US
        before_us = self._before_us if end_us == self._last_us else self._last_us
        return end_us // period != (before_us or end_us - FRAME_US) // period

    def step(self, tracks: pa.Table, end_us: int) -> pa.Table:
        """Take the track rows of one frame that ends at end_us; a forecasts table on a beat, else an empty one."""
        self._advance(end_us)
        if tracks.num_rows:
            self._take(tracks, end_us)
        return self._forecast(end_us) if self.beat(end_us) else empty("forecasts")

    def _advance(self, end_us: int) -> None:
        """Let time pass. A jump of the clock counts as one frame, so that no track ages by it."""
        passed = (end_us - self._last_us) / 1e6 if self._last_us else 0.0
        if not 0.0 <= passed <= self.settings.max_step_s:
            passed = FRAME_US / 1e6
        self._before_us, self._last_us = self._last_us, end_us
        self._now_s += passed
        live = self._book[: len(self._slot)]
        live[:, bk.AGE] += passed
        live[:, bk.SEEN] += passed

    def _take(self, tracks: pa.Table, end_us: int) -> None:
        tracks = tracks.sort_by([("time", "ascending"), ("track", "ascending")])
        ids: list[int] = tracks["track"].to_pylist()
        speed = np.hypot(floats(tracks["ve_mps"]), floats(tracks["vn_mps"]))
        existence = np.nan_to_num(floats(tracks["existence"]), nan=1.0)
        status = pc.index_in(tracks["status"], value_set=pa.array(["tentative", "coasting", "ended"]))
        status = np.nan_to_num(status.combine_chunks().to_numpy(zero_copy_only=False).astype(float), nan=-1.0)
        grade = (existence > WARNING_GRADE[0]) & (speed > WARNING_GRADE[1])
        keep = np.isfinite(speed) & np.isfinite(floats(tracks["lat"])) & np.isfinite(floats(tracks["lon"]))
        keep &= (status != 0) | grade
        # A coasting or ended row says nothing new of where it is, and a track first heard of so has no state.
        keep &= (status <= 0) | np.array([i in self._slot for i in ids])
        rows = _rows(tracks, end_us, self.settings)
        rows[:, bk.R_EXIST], rows[:, bk.R_COAST] = existence, np.maximum(status, 0.0)
        rows[:, bk.R_KIND], rows[:, bk.R_NEUTRAL] = judge(tracks, self._civil)
        slots = np.array([self._slot_of(i) if k else -1 for i, k in zip(ids, keep, strict=True)], np.int64)
        absorb(
            self._book, self._legs, self._flown, self._flown_count, slots[keep], rows[keep], self._index.plane,
            self.settings.correlation_s, STRAIGHT_Q, self._motion, self._now_s,
        )  # fmt: skip
        drop_crumbs(self._book, slots[keep], rows[keep], self._trail, self._crumbs, self._now_s)
        landed = _landed(tracks) & keep
        self._book[slots[landed], bk.AGE] = math.inf

    def _slot_of(self, track: int) -> int:
        slot = self._slot.get(track)
        if slot is None:
            slot = self._slot[track] = len(self._slot)
            if slot == len(self._book):
                for name in _STORES:
                    store = getattr(self, name)
                    setattr(self, name, np.concatenate([store, np.zeros_like(store)]))
            self._book[slot] = 0.0
            self._crumbs[slot] = 0
        return slot

    def _drop_silent(self) -> None:
        live = self._book[: len(self._slot)]
        keep = live[:, bk.AGE] <= self.settings.silence_max_s
        if keep.all():
            return
        tracks = [track for track, kept in zip(self._slot, keep, strict=True) if kept]
        for store in (getattr(self, name) for name in _STORES):
            store[: len(tracks)] = store[: len(keep)][keep]
        self._slot = {track: slot for slot, track in enumerate(tracks)}

    def _belief(self, live: np.ndarray) -> np.ndarray:
        """That each track is real and still flies: what its tracker says, or what silence leaves of what it last said.

        Silence begins when two rows are overdue; for silence_keep_s it says nothing, for a sensor may have failed.
        After that some of the silent fell, and some are only lost from view. A track that its source ended on its beat,
        not having missed it before, most likely came down where it was.
        """
        s = self.settings
        silent = np.maximum(0.0, live[:, bk.AGE] - 2.0 * live[:, bk.GAP] - s.silence_keep_s)
        fell = (1.0 - s.silence_lost_share) * np.exp(-silent / s.silence_fall_s)
        lost = s.silence_lost_share * np.exp(-silent / s.silence_found_s)
        heard = np.where(live[:, bk.SEEN] > 2.0 * live[:, bk.GAP], 0.0, live[:, bk.EXIST])
        belief = np.clip(np.maximum(heard, live[:, bk.SURE] * (fell + lost)), 0.0, 1.0)
        over = OVER_SHARE * np.exp(-live[:, bk.SEEN] / OVER_S)
        return np.where(live[:, bk.OVER] > 0.0, np.minimum(belief, over), belief)

    def _forecast(self, end_us: int) -> pa.Table:
        self._drop_silent()
        live = self._book[: len(self._slot)]
        ballistic = live[:, bk.KIND] == BALLISTIC
        use = (live[:, bk.NEUTRAL] == 0.0) & ~(ballistic & np.isnan(live[:, bk.IT]))
        use &= ~(ballistic & (live[:, bk.AGE] > live[:, bk.IT] + 2.0 * live[:, bk.ITS]))
        chosen = np.flatnonzero(use)
        if chosen.size == 0:
            return empty("forecasts")
        b = live[chosen]
        kind = b[:, bk.KIND].astype(np.int64)
        state, share_of, motion = moving(b, self._legs[chosen], self._motion[kind], self._now_s)
        flown = (self._flown[chosen], self._flown_count[chosen])
        impact = np.ascontiguousarray(b[:, bk.IX : bk.ITS + 1])
        follows = self._follows(chosen, kind)
        draws = first_draws(self._draws, max(FEWEST, self.settings.most_rollouts // chosen.size))
        self._limit = max(self._limit, ROWS_A_TRACK * chosen.size)
        while True:
            out = np.empty((self._limit, 6 + len(ARRIVED_S)))
            count = forecast_all(
                self._index, draws, self._weight, state, share_of, flown, motion, impact, ballistic[chosen],
                b[:, bk.AGE].copy(), self._belief(b), follows, self.settings.horizon_s, self.settings.min_probability,
                out, self._limit,
            )  # fmt: skip
            if count <= self._limit:
                break
            self._limit = 2 * count
        return self._table(out[:count], chosen, kind, end_us)

    def _follows(self, chosen: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, ...]:
        """Whom each chosen track flies behind, as `forecast_all` takes it."""
        leader, crumb = np.full((len(chosen), LEADERS), -1), np.zeros((len(chosen), LEADERS), np.int64)
        ahead = np.zeros((len(chosen), LEADERS))
        find_leaders(self._book, chosen, self._trail, self._crumbs, self._now_s, leader, crumb, ahead)
        share = np.array([getattr(self.settings, threat, self.settings.other).follow_share for threat in THREATS])[kind]
        return leader, crumb, self._trail[chosen], self._crumbs[chosen], share

    def _table(self, out: np.ndarray, chosen: np.ndarray, kind: np.ndarray, end_us: int) -> pa.Table:
        numbers = np.fromiter(self._slot, np.int64, len(self._slot))[chosen]
        row = out[:, 0].astype(np.int64)
        return build(
            "forecasts",
            {
                "time": np.full(len(out), end_us, np.int64),
                "track": numbers[row],
                "area": self._codes.take(pa.array(out[:, 1].astype(np.int64))),
                "probability": out[:, 2],
                "eta_s": out[:, 3],
                "eta_low_s": out[:, 4],
                "eta_high_s": out[:, 5],
                "threat": pa.array(THREATS).take(pa.array(kind[row])),
                "arrived": pa.ListArray.from_arrays(
                    pa.array(np.arange(len(out) + 1, dtype=np.int32) * len(ARRIVED_S)),
                    pa.array(out[:, 6:].astype(np.float32).reshape(-1)),
                ),
            },
        )

    def checkpoint(self) -> bytes:
        """All that is needed to go on as if nothing had happened."""
        n = len(self._slot)
        stores = [getattr(self, name)[:n].tobytes() for name in _STORES]
        return msgspec.msgpack.encode(_State(4, self._last_us, list(self._slot), self._now_s, stores))

    @classmethod
    def restore(cls, blob: bytes, areas: Areas, settings: ForecastSettings | None = None) -> "Forecaster":
        """The forecaster as it was at the checkpoint. Raises BadInputError when the blob is not one."""
        try:
            state = msgspec.msgpack.decode(blob, type=_State)
            n = len(state.tracks)
            made = cls(areas, settings)
            for name, kept in zip(_STORES, state.stores, strict=True):
                empty_store = getattr(made, name)
                store = np.frombuffer(kept, empty_store.dtype).reshape(n, *empty_store.shape[1:])
                setattr(made, name, np.concatenate([store, empty_store]))
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadInputError("forecaster checkpoint", str(error), "bytes of Forecaster.checkpoint()") from error
        made._last_us = state.last_us
        made._slot = {track: slot for slot, track in enumerate(state.tracks)}
        made._now_s = state.now_s
        return made


def _rows(tracks: pa.Table, end_us: int, settings: ForecastSettings) -> np.ndarray:
    rows = np.empty((tracks.num_rows, bk.ROW_COLUMNS))
    plain: dict[int, Any] = {
        bk.R_LAT: "lat", bk.R_LON: "lon", bk.R_ALT: "alt_m", bk.R_VE: "ve_mps", bk.R_VN: "vn_mps", bk.R_VU: "vu_mps",
        bk.R_ILAT: "impact_lat", bk.R_ILON: "impact_lon", bk.R_IEE: "impact_ee", bk.R_IEN: "impact_en",
        bk.R_INN: "impact_nn",
    }  # fmt: skip
    for column, name in plain.items():
        rows[:, column] = floats(tracks[name])
    times = time_us(tracks["time"])
    pp = (floats(tracks["p_ee"]) + floats(tracks["p_nn"])) / 2.0
    vv = (floats(tracks["v_ee"]) + floats(tracks["v_nn"])) / 2.0
    rows[:, bk.R_PP] = np.where(pp > 0.0, pp, settings.position_sigma_m**2)
    rows[:, bk.R_VV] = np.where(vv > 0.0, vv, settings.velocity_sigma_mps**2)
    rows[:, bk.R_AGE] = np.clip((end_us - times) / 1e6, 0.0, settings.max_step_s)
    impact_us = time_us(tracks["impact_time"])
    rows[:, bk.R_IT] = np.where(impact_us > 0, np.maximum(impact_us - times, 0) / 1e6, np.nan)
    sigma = floats(tracks["impact_time_sigma_s"])
    rows[:, bk.R_ITS] = np.where(sigma > 0.0, sigma, 2.0 + 0.02 * np.nan_to_num(rows[:, bk.R_IT]))
    return rows


def _landed(tracks: pa.Table) -> np.ndarray:
    """Rows that end a track because it came down: status ended, flags naming a landing or an impact."""
    ended = pc.fill_null(pc.equal(tracks["status"], "ended"), False).combine_chunks().to_numpy(zero_copy_only=False)
    landed = np.zeros(tracks.num_rows, bool)
    for i in np.flatnonzero(ended):
        flags = tracks["flags"][int(i)].as_py() or []
        landed[i] = "landed" in flags or "impact" in flags
    return landed
