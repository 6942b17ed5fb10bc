"""Whether the tracker errs as much as it says: NEES of its rows, NIS of what it expected of the next plots.

Bounds are two-sided (Bar-Shalom, Li & Kirubarajan 2001, 5.4). Every value for itself is held against the 95 % bounds of
chi squared with 2 degrees of freedom; and the mean of 50 runs at one scan against those of 100 degrees over 50. Targets
that fly apart are runs of their own; of a group, which turns together, one is.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import chi2

from perisai.evaluation.gospa import gospa
from perisai.kernels import kernel
from perisai.model import THREATS, floats
from perisai.tracking import Tracker
from perisai.tracking.bank import USED
from perisai.tracking.mixture import moments
from perisai.tracking.motion import advance
from perisai.tracking.settings import TrackerSettings

from .night import nearest, tracked
from .targets import PERIOD_S, SIGMA_M, Scenario, frames, scenario

DIMENSIONS = 2
RUNS = 50
GATE = TrackerSettings().gate
FIRST_SCAN = 11


class Step(NamedTuple):
    """Of a scan: squared distances normalised by what was stated (n,), one a target, and the group each flies in."""

    squared: np.ndarray
    group: np.ndarray


def verdict(steps: Sequence[Step]) -> dict[str, Any]:
    """Mean (2 when consistent) and the shares inside the two-sided 95 % bounds: of single values, and of the means of
    RUNS targets of different groups at one scan (None where there are not so many)."""
    low, high = chi2.ppf([0.025, 0.975], DIMENSIONS)
    every = np.concatenate([step.squared for step in steps])
    means = np.array([m for step in steps for m in _means(step)])
    near, far = chi2.ppf([0.025, 0.975], DIMENSIONS * RUNS) / RUNS
    return {
        "mean": round(float(every.mean()), 3),
        "values": len(every),
        "single_in_95": round(float(((every >= low) & (every <= high)).mean()), 4),
        "single_above": round(float((every > high).mean()), 4),
        "means": len(means),
        "mean_low": round(float(near), 3),
        "mean_high": round(float(far), 3),
        "means_in_95": round(float(((means >= near) & (means <= far)).mean()), 4) if len(means) else None,
        "means_above": round(float((means > far).mean()), 4) if len(means) else None,
    }


def _squared(e: np.ndarray, n: np.ndarray, ee: np.ndarray, en: np.ndarray, nn: np.ndarray) -> np.ndarray:
    """Squared distance of an error (m) over its covariance (m2)."""
    return (nn * e * e - 2.0 * en * e * n + ee * n * n) / (ee * nn - en**2)


def _means(step: Step) -> np.ndarray:
    apart = step.squared[np.unique(step.group, return_index=True)[1]]
    whole = len(apart) // RUNS
    return apart[: whole * RUNS].reshape(whole, RUNS).mean(axis=1)


def nees(made: Scenario, rows: list[pa.Table], picture: list[tuple[np.ndarray, np.ndarray]]) -> list[Step]:
    """Normalised estimation error squared of every row updated in its scan, of tracks assigned to a target, by the
    targets' numbers."""
    out = []
    for scan in range(FIRST_SCAN, len(picture)):
        identity, place = picture[scan]
        one = gospa(made.truth[scan, :, :2], place)
        table = rows[scan]
        where = {track: k for k, track in enumerate(table["track"].to_pylist())}
        ee, en, nn = (floats(table[name]) for name in ("p_ee", "p_en", "p_nn"))
        step, group = [], []
        for a, b in zip(one.truth.tolist(), one.track.tolist(), strict=True):
            k = where.get(int(identity[b]))
            if k is not None:
                e, n = place[b] - made.truth[scan, a, :2]
                step.append(_squared(e, n, ee[k], en[k], nn[k]))
                group.append(made.group[a])
        out.append(Step(np.array(step), np.array(group)))
    return out


@kernel
def _expect(x, p, mu, t, r, bank, which, to, motion, work, mean, cov, out):
    """What is expected of the tracks `which` at time `to` (s): (n, 5) east, north, their covariance."""
    for k in range(which.size):
        i = which[k]
        advance(
            x, p, mu, t, r, bank.has_height, bank.coupled, bank.solid_hits, bank.surprise, bank.habit, i, to,
            motion, work.transition, work.cached_dt, work.weights, work.offsets, work.norms,
        )  # fmt: skip
        moments(x, p, mu, i, bank.coupled[i], mean, cov)
        out[k, 0], out[k, 1] = mean[0], mean[1]
        out[k, 2], out[k, 3], out[k, 4] = cov[0, 0], cov[0, 1], cov[1, 1]


def nis(made: Scenario) -> list[Step]:
    """Normalised innovation squared of the plot nearest to what each confirmed track expects, inside the gate.

    For targets apart: in a raid the nearest plot may be a neighbour's."""
    tracker = Tracker([made.sensor])
    out = []
    for scan, frame in enumerate(frames(made)):
        if scan >= FIRST_SCAN:
            expected = _expected(tracker)
            plots = made.plots[scan]
            gap = plots[None, :, :] - expected[:, None, :2]
            ee, en, nn = expected[:, 2] + SIGMA_M**2, expected[:, 3], expected[:, 4] + SIGMA_M**2
            e, n = gap[..., 0], gap[..., 1]
            least = _squared(e, n, ee[:, None], en[:, None], nn[:, None]).min(axis=1)
            own = least[least < GATE]
            out.append(Step(own, np.arange(len(own))))
        tracker.step(frame)
    return out


def _expected(tracker: Tracker) -> np.ndarray:
    bank, motion, work = tracker._bank, tracker._motion, tracker._work  # pyright: ignore[reportPrivateUsage]
    used = int(bank.counters[USED])
    which = np.flatnonzero(bank.alive[:used] & bank.confirmed[:used])
    out = np.empty((which.size, 5))
    to = float(bank.t[which].max()) + PERIOD_S
    copies = [part[:used].copy() for part in (bank.x, bank.p, bank.mu, bank.t, bank.r)]
    _expect(*copies, bank, which, to, motion, work, np.empty(6), np.empty((6, 6)), out)
    return out


def nights(seeds: tuple[int, ...]) -> dict[str, Any]:
    """NEES of the confirmed rows of simulated nights, each by the object that is nearest; how it is shared out among
    those that fly (`kind`) beside it. A track's rows err alike, so only single values are judged."""
    squared, kind = [], []
    for seed in seeds:
        truth, rows = tracked(seed)
        rows = rows.filter(pc.equal(rows["status"], "confirmed"))
        gap = nearest(rows, truth)
        known = gap.kind >= 0
        every = _squared(gap.east_m, gap.north_m, *(floats(rows[name]) for name in ("p_ee", "p_en", "p_nn")))
        squared.append(every[known])
        kind.append(gap.kind[known])
    every, kinds = np.concatenate(squared), np.concatenate(kind)
    low, high = chi2.ppf([0.025, 0.975], DIMENSIONS)
    inside = (every >= low) & (every <= high)
    return {
        "mean": round(float(every.mean()), 3),
        "values": len(every),
        "single_in_95": round(float(inside.mean()), 4),
        "single_above": round(float((every > high).mean()), 4),
    } | {
        f"{threat}_in_95": round(float(inside[kinds == k].mean()), 4)
        for k, threat in enumerate(THREATS)
        if (kinds == k).any()
    }


def run(seeds: tuple[int, ...], targets: int = 500) -> dict[str, Any]:
    """NIS over all scans of the seeds, of targets apart."""
    return verdict([step for seed in seeds for step in nis(scenario("spread", targets, seed))])
