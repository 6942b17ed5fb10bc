"""The decision: which areas are under watch or alarm, since when, why, and when the all-clear comes."""

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perisai.model import FRAME_US, THREATS, Alert, AlertChange, Areas, BadInputError, Level

from . import reason
from .score import Floats, Ints, Rows, Scores, read_rows, score
from .settings import AlertSettings

UNEASY_S = 900.0
"""An area is uneasy until it had no alert for so long."""
LEVEL: dict[int, Level] = {1: "watch", 2: "alarm"}


class _State(msgspec.Struct):
    version: int
    last_us: int
    codes: int
    level: bytes
    dwell_s: bytes
    quiet_s: bytes
    updated_s: bytes
    rest_s: bytes
    uneasy: bytes
    active: dict[int, Alert]


class Alerter:
    """Forecasts in, alerts out. Call `step` once a beat of the forecaster, with an empty table when nothing threatens.

    areas: those that can be alerted. settings: see AlertSettings. Pure: the same forecasts give the same alerts and
    identifiers. At most one level is on in an area; an alarm takes the place of a watch.
    """

    def __init__(self, areas: Areas, settings: AlertSettings | None = None) -> None:
        self.settings = settings or AlertSettings()
        self._codes = areas.code
        self._code_array = pa.array(areas.code, pa.string())
        n = len(areas)
        people = np.maximum(np.asarray(areas.population, np.float64), 500.0)
        s = self.settings
        # An hour kept up for nothing costs residents; a restart costs trust, in a hamlet as in a city.
        self._keep_ratio: Floats = np.clip(np.sqrt(people / s.keep_residents), *s.keep_ratios)
        # A city told late is more than so many hamlets told late: what it loses, it loses at once.
        self._raise_ratio: Floats = np.clip(s.large_residents / people, s.large_ratio, 1.0)
        self._level: npt.NDArray[np.int8] = np.zeros(n, np.int8)
        self._dwell_s: Floats = np.zeros(n)
        self._quiet_s: Floats = np.zeros(n)
        self._updated_s: Floats = np.zeros(n)
        self._rest_s: Floats = np.full(n, np.inf)
        self._uneasy: npt.NDArray[np.bool_] = np.zeros(n, np.bool_)
        self._active: dict[int, Alert] = {}
        self._last_us = 0

    def step(self, forecasts: pa.Table, end_us: int) -> list[AlertChange]:
        """Decide on the forecasts of one beat that ended at end_us; the spans raised, updated or ended, by area."""
        s = self.settings
        passed = (end_us - self._last_us) / 1e6 if self._last_us else 0.0
        if not 0.0 <= passed <= s.max_step_s:
            passed = FRAME_US / 1e6
        self._last_us = end_us
        rows = read_rows(forecasts, self._code_array)
        scores = score(rows, len(self._codes), s)
        want = self._want(scores, passed)
        order = np.lexsort((rows.track, -scores.share, rows.area))
        bounds = np.searchsorted(rows.area[order], np.arange(len(self._codes) + 1))
        changes: list[AlertChange] = []
        for area in np.flatnonzero((self._level > 0) | (want > 0)):
            own = order[bounds[area] : bounds[area + 1]]
            changes += self._change(int(area), int(want[area]), rows, scores, own, end_us)
        return changes

    def _want(self, scores: Scores, passed: float) -> npt.NDArray[np.int8]:
        """The level each area should have, after hysteresis, hold and dwell; advances their clocks."""
        s = self.settings
        level = self._level
        self._dwell_s += passed
        self._updated_s += passed
        self._rest_s += passed
        alarm = scores.alarm >= self._raise_ratio
        keep_alarm = (level == 2) & (scores.keep >= self._keep_ratio)
        watch = (scores.watch >= 1.0) & (scores.early >= 1.0)
        keep_watch = (level == 1) & (scores.watch >= s.hold_ratio)
        kept = alarm | keep_alarm | ((level == 1) & (keep_watch | watch))
        self._quiet_s = np.where(kept | (level == 0), 0.0, self._quiet_s + passed)
        # Where an alarm came back at once something circles near: the next all-clear waits, until it was long quiet.
        self._uneasy |= (level == 0) & alarm & (self._rest_s < s.rest_s)
        self._uneasy &= (level > 0) | (self._rest_s < UNEASY_S)
        hold = np.where(self._uneasy, max(s.hold_s, s.uneasy_hold_s), s.hold_s)
        over = (level > 0) & (self._quiet_s >= hold) & (self._dwell_s >= s.dwell_s)
        want = np.where(over, np.where(watch, 1, 0), level)
        # A watch can wait a little, so that none goes on and off; an alarm never waits.
        want = np.where((level == 0) & watch & (self._rest_s >= s.rest_s), 1, want)
        return np.where(alarm, 2, want).astype(np.int8)

    def _change(self, area: int, want: int, rows: Rows, scores: Scores, own: Ints, end_us: int) -> list[AlertChange]:
        had = int(self._level[area])
        if had == want:
            return self._update(area, rows, scores, own, end_us)
        changes: list[AlertChange] = []
        follows = ""
        if had:
            before = self._active.pop(area)
            why = reason.RAISED if want > had else reason.PASSED if own.size else reason.SILENT
            done = msgspec.structs.replace(before, end_us=end_us, reason=reason.ended(before.reason, why))
            changes.append(AlertChange("ended", done, end_us))
            follows = before.identifier
        if want:
            alert = self._alert(area, LEVEL[want], rows, scores, own, end_us)
            self._active[area] = alert
            changes.append(AlertChange("raised", alert, end_us, follows))
        self._level[area] = want
        if had and not want:
            self._rest_s[area] = 0.0
        self._dwell_s[area] = self._quiet_s[area] = self._updated_s[area] = 0.0
        return changes

    def _update(self, area: int, rows: Rows, scores: Scores, own: Ints, end_us: int) -> list[AlertChange]:
        """A change of threat or tracks is told, but not more often than update_s; a new threat with its reason."""
        if self._updated_s[area] < self.settings.update_s or not own.size:
            return []
        before = self._active[area]
        now = self._alert(area, before.level, rows, scores, own, end_us)
        if (now.threat, now.tracks) == (before.threat, before.tracks):
            return []
        self._updated_s[area] = 0.0
        why = before.reason if now.threat == before.threat else now.reason
        alert = msgspec.structs.replace(before, threat=now.threat, tracks=now.tracks, reason=why)
        self._active[area] = alert
        return [AlertChange("updated", alert, end_us)]

    def _main(self, scores: Scores, own: Ints) -> Ints:
        """Of an area's rows, by share, those that make most of its danger."""
        return own[scores.share[own] >= 0.1 * scores.share[own[0]]][: self.settings.list_tracks]

    def _alert(self, area: int, level: Level, rows: Rows, scores: Scores, own: Ints, end_us: int) -> Alert:
        main = self._main(scores, own)
        first = main[int(np.argmin(rows.median[main]))]
        threat = THREATS[int(rows.threat[own[0]])]
        probability = float(scores.probability[area])
        eta_s = float(rows.median[first])
        count = int(np.count_nonzero(rows.threat[main] == rows.threat[own[0]]))
        return Alert(
            identifier=reason.identifier(self.settings.prefix, self._codes[area], level, end_us),
            area=self._codes[area],
            level=level,
            threat=threat,
            start_us=end_us,
            eta_s=eta_s,
            probability=probability,
            tracks=tuple(sorted(rows.track[main].tolist())),
            reason=reason.raised(level, threat, count, eta_s, probability),
        )

    def active(self) -> list[Alert]:
        """The alerts that are on, in the order of the areas."""
        return [self._active[area] for area in sorted(self._active)]

    def checkpoint(self) -> bytes:
        """All that is needed to go on as if nothing had happened."""
        state = _State(
            3, self._last_us, len(self._codes), self._level.tobytes(), self._dwell_s.tobytes(), self._quiet_s.tobytes(),
            self._updated_s.tobytes(), self._rest_s.tobytes(), self._uneasy.tobytes(), self._active,
        )  # fmt: skip
        return msgspec.msgpack.encode(state)

    @classmethod
    def restore(cls, blob: bytes, areas: Areas, settings: AlertSettings | None = None) -> "Alerter":
        """The alerter as it was at the checkpoint. Raises BadInputError when the blob is not one of these areas."""
        try:
            state = msgspec.msgpack.decode(blob, type=_State)
        except msgspec.MsgspecError as error:
            raise BadInputError("alerter checkpoint", str(error), "bytes of Alerter.checkpoint()") from error
        if state.codes != len(areas):
            raise BadInputError("alerter checkpoint", f"{state.codes} areas", f"{len(areas)} areas, as loaded")
        made = cls(areas, settings)
        made._last_us = state.last_us
        made._level = np.frombuffer(state.level, np.int8).copy()
        made._dwell_s = np.frombuffer(state.dwell_s).copy()
        made._quiet_s = np.frombuffer(state.quiet_s).copy()
        made._updated_s = np.frombuffer(state.updated_s).copy()
        made._rest_s = np.frombuffer(state.rest_s).copy()
        made._uneasy = np.frombuffer(state.uneasy, np.bool_).copy()
        made._active = state.active
        return made
