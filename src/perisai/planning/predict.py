"""The share of people warned in time that a plan promises, from the chance of a track and the skill of what follows."""

from dataclasses import dataclass

import numpy as np

from perisai.model import KINDS

from .approaches import Approaches
from .coverage import Placed
from .terrain import Terrain
from .watch import Watcher

SKILL = {"drone": 0.985, "cruise": 0.985, "ballistic": 0.95, "glide_bomb": 0.9, "aircraft": 0.9}
"""Share of approaches, by residents, whose alarm is in time when the object was tracked as its warning fell due.

Drones and cruise missiles as measured (docs/planning.md says on which nights); the others assumed."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """People approached and warned in time in the mean night, the share by kind, and by area (areas,)."""

    approached: float
    warned: float
    by_kind: dict[str, float]
    by_area: np.ndarray

    @property
    def share(self) -> float:
        return self.warned / self.approached if self.approached > 0 else float("nan")


def predict(
    approaches: Approaches,
    placed: Placed,
    areas: int,
    terrain: Terrain | None = None,
    reach: np.ndarray | None = None,
    skill: dict[str, float] | None = None,
) -> Prediction:
    """What the placed units let people know in time.

    reach: (areas,) share of each area's residents whom an alert reaches; all when None. Every unit works.
    """
    by = SKILL if skill is None else skill
    able = np.array([by.get(kind, 0.9) for kind in KINDS])
    chance = Watcher(approaches, terrain).joint(placed).chance() * able[approaches.kind]
    if reach is not None:
        chance = chance * reach[approaches.area]
    people = approaches.people
    warned = people * chance
    total = np.bincount(approaches.kind, people, len(KINDS))
    told = np.bincount(approaches.kind, warned, len(KINDS))
    by_area = np.bincount(approaches.area, warned, areas) / np.maximum(
        np.bincount(approaches.area, people, areas), 1e-9
    )
    shares = {kind: float(told[k] / total[k]) for k, kind in enumerate(KINDS) if total[k] > 0}
    return Prediction(float(people.sum()), float(warned.sum()), shares, by_area)
