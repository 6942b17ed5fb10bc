"""Learning how a kind of object flies: what its turns say, and then small steps as long as they foresee nights better.

What is read off the turns (perisai.forecasting.fit) rests on what can be counted; what forecasts are worth is their log
score. So each change, of what was counted and of each setting after it, is taken only where it lowers the score of the
nights learned from and of not one of them raises it by more than chance would: a night that says nothing leaves the
present settings. Whether the whole is worth taking is for a night not learned from.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from perisai.evaluation import pooled_log_score
from perisai.forecasting import Fitted, Forecaster, ForecastSettings, fit
from perisai.model import THREATS, Areas, BadInputError, build, floats, time_us

BEAT_S = 60
"""Forecasts a minute apart are enough to choose settings: half a minute apart they say the same of a step, three
minutes apart the contrary of some."""
BATCH_US = 30_000_000
"""Rows of so long are taken at once: as often as they come of one track, and thirty times fewer steps than frames."""
LEAST_GAIN = 3e-4
"""Of the score, for which a step is worth taking; less is chance."""
SWEEPS = 2
Step = Callable[[ForecastSettings, str], ForecastSettings]


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """Settings learned from nights; the mean log score of these before and after; what was counted; the steps taken."""

    settings: ForecastSettings
    before: float
    after: float
    counted: Fitted
    steps: tuple[str, ...]


def learn(nights: Sequence[pa.Table], areas: Areas, kind: str, present: ForecastSettings) -> Learned:
    """Settings of one kind that foresee the nights better than the present ones, or the present ones.

    nights: tables of tracks, one a night. Raises BadInputError with fewer than 30 turns, or without a raid.
    """
    counted = fit(pa.concat_tables(nights), areas, kind, present)
    truths = [truth_of(night) for night in nights]

    def scores(settings: ForecastSettings) -> np.ndarray:
        pairs = zip(nights, truths, strict=True)
        return np.array([log_score(night, truth, areas, settings) for night, truth in pairs])

    best, taken = present, []
    first = lowest = scores(present)

    def take(name: str, settings: ForecastSettings | None) -> bool:
        nonlocal best, lowest
        if settings is None or settings == best:
            return False
        now = scores(settings)
        if lowest.mean() - now.mean() < LEAST_GAIN * lowest.mean() or (now > lowest * (1.0 + LEAST_GAIN)).any():
            return False
        best, lowest = settings, now
        taken.append(name)
        return True

    take("turns counted", counted.settings) or take("turns counted, half way", _half_way(present, counted, kind))
    for _ in range(SWEEPS):
        before = best
        for name, up, down in _STEPS:
            for label, change in ((f"{name} up", up), (f"{name} down", down)):
                if take(label, _valid(change, best, kind)):
                    break
        if best == before:
            break
    return Learned(
        settings=best, before=float(first.mean()), after=float(lowest.mean()), counted=counted, steps=tuple(taken)
    )


def log_score(
    tracks: pa.Table, truth: pa.Table, areas: Areas, settings: ForecastSettings, beat_s: int = BEAT_S
) -> float:
    """The log score of the forecasts that these settings give on a night; lower is better.

    Raises BadInputError when no track threatens an area.
    """
    forecaster = Forecaster(areas, msgspec.structs.replace(settings, period_s=beat_s))
    # What was foreseen near the end of a recording cannot be judged: nobody came down because it was switched off.
    batches = list(_batches(tracks))
    last_us = batches[-1][1] - round(settings.horizon_s * 1e6) if batches else 0
    judged = [batch for batch in batches if batch[1] <= last_us]
    rows = [part for table, end_us in judged if (part := forecaster.step(table, end_us)).num_rows]
    if not rows:
        raise BadInputError(
            "recorded night", "no track that threatens an area before its last 20 min", "a night with a raid"
        )
    return pooled_log_score(pa.concat_tables(rows), truth, areas, beat_s)


def _batches(tracks: pa.Table) -> Iterator[tuple[pa.Table, int]]:
    """(rows of BATCH_US, its end) from the first to the last, also where there are none."""
    tracks = tracks.sort_by("time")
    number = time_us(tracks["time"]) // BATCH_US
    if not len(number):
        return
    batches = np.arange(number[0], number[-1] + 1)
    bounds = np.searchsorted(number, np.append(batches, number[-1] + 1))
    for k, batch in enumerate(batches.tolist()):
        yield tracks.slice(int(bounds[k]), int(bounds[k + 1] - bounds[k])), (batch + 1) * BATCH_US


def truth_of(tracks: pa.Table) -> pa.Table:
    """The tracks of a recording taken as what flew: nobody knows better afterwards."""
    usable = np.isfinite(floats(tracks["lat"])) & np.isfinite(floats(tracks["lon"]))
    tracks = tracks.filter(pa.array(usable))
    shares = np.stack([np.nan_to_num(floats(tracks[f"p_{threat}"])) for threat in THREATS], axis=1)
    kinds = [threat if threat != "other" else "drone" for threat in THREATS]
    n = tracks.num_rows
    return build(
        "truth",
        {
            "time": time_us(tracks["time"]), "object": tracks["track"], "lat": tracks["lat"], "lon": tracks["lon"],
            "alt_m": tracks["alt_m"], "ve_mps": tracks["ve_mps"], "vn_mps": tracks["vn_mps"],
            "kind": pa.array(kinds).take(pa.array(np.argmax(shares, axis=1))),
            "hostile": np.ones(n, bool), "impact": np.zeros(n, bool),
        },
    )  # fmt: skip


def _half_way(present: ForecastSettings, counted: Fitted, kind: str) -> ForecastSettings:
    """Motion half way from the present to what was counted: few nights say little against what is known."""
    old, new = (msgspec.to_builtins(getattr(s, kind)) for s in (present, counted.settings))
    names = ("turns_per_hour", "leg_min_s", "turn_sigma_deg", "course_pull")
    motion = msgspec.structs.replace(
        getattr(present, kind), **{name: round(0.5 * (old[name] + new[name]), 3) for name in names}
    )
    return msgspec.structs.replace(present, **{kind: motion})


def _valid(change: Step, settings: ForecastSettings, kind: str) -> ForecastSettings | None:
    try:
        return change(settings, kind)
    except BadInputError:
        return None


def _motion(settings: ForecastSettings, kind: str, **changes: float) -> ForecastSettings:
    rounded = {name: round(value, 3) for name, value in changes.items()}
    return msgspec.structs.replace(settings, **{kind: msgspec.structs.replace(getattr(settings, kind), **rounded)})


def _scaled(names: tuple[str, ...], factors: tuple[float, ...]) -> Step:
    """A step that multiplies settings of the motion."""

    def step(settings: ForecastSettings, kind: str) -> ForecastSettings:
        old = getattr(settings, kind)
        return _motion(settings, kind, **{n: getattr(old, n) * f for n, f in zip(names, factors, strict=True)})

    return step


def _moved(name: str, by: float) -> Step:
    """A step that moves a share of the motion, within 0 and 1."""

    def step(settings: ForecastSettings, kind: str) -> ForecastSettings:
        return _motion(settings, kind, **{name: min(1.0, max(0.0, getattr(getattr(settings, kind), name) + by))})

    return step


def _power(by: float) -> Step:
    def step(settings: ForecastSettings, kind: str) -> ForecastSettings:
        power = min(1.5, max(0.0, settings.destination_power + by))
        return msgspec.structs.replace(settings, destination_power=round(power, 2))

    return step


_LEGS = ("turns_per_hour", "leg_min_s")
_STEPS: tuple[tuple[str, Step, Step], ...] = (
    ("legs", _scaled(_LEGS, (1 / 1.5, 1.5)), _scaled(_LEGS, (1.5, 1 / 1.5))),
    ("turn_sigma_deg", _scaled(("turn_sigma_deg",), (1.4,)), _scaled(("turn_sigma_deg",), (1 / 1.4,))),
    ("course_pull", _moved("course_pull", 0.3), _moved("course_pull", -0.3)),
    ("aim_share", _moved("aim_share", 0.15), _moved("aim_share", -0.15)),
    ("last_run_m", _scaled(("last_run_m",), (1.5,)), _scaled(("last_run_m",), (1 / 1.5,))),
    ("ends_per_hour", _scaled(("ends_per_hour",), (2.0,)), _scaled(("ends_per_hour",), (0.5,))),
    ("destination_power", _power(0.35), _power(-0.35)),
)
