"""The share of people warned in time that a plan promises, from the chance of a track and the skill of what follows."""

from dataclasses import dataclass

import numpy as np

from perisai.model import KINDS

from .approaches import Approaches
from .coverage import Placed
from .terrain import Terrain
from .watch import Watcher

SKILL = {"drone": 0.986, "cruise": 0.94, "ballistic": 0.8, "glide_bomb": 0.9, "aircraft": 0.9}
"""Share of approaches, by residents, whose alarm is in time when the object was tracked as its warning fell due.

Drones, cruise and ballistic missiles as measured (docs/planning.md says on which nights; twenty ballistic ones, counted
without residents); the others assumed."""
ANYWAY = {"drone": 0.36, "cruise": 0.33}
"""Share warned in time though the object itself was not tracked then: the area is under alarm for others, or the object
was seen earlier. Measured where nearly every object is tracked; it falls with the share that is."""


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
    """What the placed units let people know in time: c s + (1 - c) a t for a chance c of a track.

    s: SKILL; a: ANYWAY; t: the mean of c over all approaches, by residents.
    reach: (areas,) share of each area's residents whom an alert reaches; all when None. Every unit works.
    """
    by = SKILL if skill is None else skill
    able = np.array([by.get(kind, 0.9) for kind in KINDS])[approaches.kind]
    anyway = np.array([ANYWAY.get(kind, 0.0) for kind in KINDS])[approaches.kind]
    tracked = Watcher(approaches, terrain).joint(placed).chance()
    mean = float(np.average(tracked, weights=approaches.people)) if approaches.people.sum() > 0 else 0.0
    chance = tracked * able + (1.0 - tracked) * anyway * mean
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
