"""The placement problem as arrays: who can stand where, whom that protects, and how a plan is valued."""

import math
from dataclasses import dataclass

import numpy as np

from perisai.geodesy import kernel
from perisai.model import BadInputError


@dataclass(frozen=True, slots=True)
class Problem:
    """Choose patterns (a type of unit at a site) from pools so that the value of covered demand is largest.

    weight: (n,) value of each demand (people). start, cover: rows of demand that pattern k covers are
    cover[start[k]:start[k + 1]], rising. gains: (m,) not rising: what the first, second, ... unit over a demand adds,
    as a share of its weight. stage_weight: (t,) value of a stage. pool_*: (c,) units of a pool, the stage from which
    they stand, cost of one; pool c may use pattern[pool_start[c]:pool_start[c + 1]]. already: (n,) units that
    cover a demand before anything is placed. Each pattern is used once at most. budget: limit of the total cost.
    """

    weight: np.ndarray
    start: np.ndarray
    cover: np.ndarray
    gains: np.ndarray
    stage_weight: np.ndarray
    pool_count: np.ndarray
    pool_stage: np.ndarray
    pool_cost: np.ndarray
    pool_start: np.ndarray
    pattern: np.ndarray
    already: np.ndarray
    budget: float = math.inf

    @property
    def patterns(self) -> int:
        return len(self.start) - 1

    @property
    def pools(self) -> int:
        return len(self.pool_count)

    def allowed(self, pool: int) -> np.ndarray:
        """Patterns that a pool may use."""
        return self.pattern[self.pool_start[pool] : self.pool_start[pool + 1]]

    def covered(self, pattern: int) -> np.ndarray:
        """Demand that a pattern covers."""
        return self.cover[self.start[pattern] : self.start[pattern + 1]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan: pool and pattern of each placed unit (k,), its value, and the proven bound that no plan exceeds."""

    pool: np.ndarray
    pattern: np.ndarray
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the plan may be from the best one, as a share of the bound; 0 when proven best."""
        return max(0.0, self.bound - self.value) / self.bound if self.bound > 0 else 0.0


def covering_gains() -> np.ndarray:
    """Maximal covering: the first unit counts (Church & ReVelle 1974)."""
    return np.array([1.0])


def expected_gains(failure: float, depth: int = 4) -> np.ndarray:
    """Expected covering: the k-th unit adds (1 - q) q^(k-1), for a chance q of being out of order (Daskin 1983)."""
    if not 0.0 <= failure < 1.0:
        raise BadInputError("failure", str(failure), "a chance from 0 to below 1")
    return (1.0 - failure) * failure ** np.arange(depth if failure > 0 else 1)


def backup_gains(second: float = 0.5) -> np.ndarray:
    """Backup covering: what stays covered with any one unit lost counts by `second` (Hogan & ReVelle 1986, BACOP2)."""
    if not 0.0 <= second <= 0.5:
        raise BadInputError("backup", str(second), "a share from 0 to 0.5, so that the first unit counts most")
    return np.array([1.0 - second, second])


def one_pool(
    weight: np.ndarray,
    start: np.ndarray,
    cover: np.ndarray,
    units: int,
    gains: np.ndarray | None = None,
    already: np.ndarray | None = None,
) -> Problem:
    """The textbook's problem: any `units` of the patterns, one stage, no cost."""
    patterns = len(start) - 1
    return Problem(
        weight=np.asarray(weight, float),
        start=np.asarray(start, np.int64),
        cover=np.asarray(cover, np.int32),
        gains=covering_gains() if gains is None else gains,
        stage_weight=np.ones(1),
        pool_count=np.array([units]),
        pool_stage=np.zeros(1, np.int64),
        pool_cost=np.zeros(1),
        pool_start=np.array([0, patterns]),
        pattern=np.arange(patterns, dtype=np.int32),
        already=np.zeros(len(weight), np.int32) if already is None else np.asarray(already, np.int32),
    )


def from_mask(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(start, cover) of a boolean (demand, patterns) matrix."""
    pattern, demand = np.nonzero(np.ascontiguousarray(mask.T))
    return np.searchsorted(pattern, np.arange(mask.shape[1] + 1)), demand.astype(np.int32)


@kernel
def transpose(start, cover, n):
    """The same relation seen from the demand: start (n + 1,) and patterns of each demand, rising."""
    back = np.zeros(n + 1, np.int64)
    for i in cover:
        back[i + 1] += 1
    for i in range(n):
        back[i + 1] += back[i]
    fill = back[:-1].copy()
    out = np.empty(cover.size, np.int32)
    for p in range(start.size - 1):
        for k in range(start[p], start[p + 1]):
            out[fill[cover[k]]] = p
            fill[cover[k]] += 1
    return back, out


@kernel
def _counts(start, cover, already, pool_stage, pool, pattern, stages):
    count = np.zeros((already.size, stages), np.int32)
    for i in range(already.size):
        count[i, :] = already[i]
    for k in range(pool.size):
        for at in range(start[pattern[k]], start[pattern[k] + 1]):
            for t in range(pool_stage[pool[k]], stages):
                count[cover[at], t] += 1
    return count


def counts(problem: Problem, pool: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """Units over each demand in each stage, int32 (n, t), those there before included."""
    return _counts(
        problem.start,
        problem.cover,
        problem.already,
        problem.pool_stage,
        np.asarray(pool, np.int64),
        np.asarray(pattern, np.int64),
        len(problem.stage_weight),
    )


def value_of(problem: Problem, pool: np.ndarray, pattern: np.ndarray) -> float:
    """Value of a plan over all stages, what was there before included."""
    total = np.concatenate([[0.0], np.cumsum(problem.gains)])
    count = np.minimum(counts(problem, pool, pattern), len(problem.gains))
    return float(problem.weight @ (total[count] @ problem.stage_weight))


def check_problem(problem: Problem) -> None:
    """Raises BadInputError when there is nothing to decide: no site, no unit, nobody to protect."""
    if problem.patterns == 0 or len(problem.pattern) == 0:
        raise BadInputError("sites", "no site where an offered unit may stand", "at least one")
    if not (problem.pool_count > 0).any():
        raise BadInputError("inventory", "no units", "at least one")
    if not (problem.weight > 0).any():
        raise BadInputError("areas", "nobody lives there (population 0 everywhere)", "areas with population")
    if (np.diff(problem.gains) > 1e-12).any():
        raise BadInputError("objective", str(problem.gains), "gains that do not rise")
