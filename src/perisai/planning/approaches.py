"""The demand: who was approached by what, and where it was while there was still time to warn."""

from dataclasses import dataclass

import numpy as np

from perisai.geodesy import Plane

WINDOW_S, STEP_S = 120.0, 10.0
"""A warning rests on what was seen in the two minutes before it is due: after that the forecaster's belief fades."""
LATENCY_S = 15.0
"""Frame (1 s), the forecaster's beat (10 s on average 5) and the decision lie between a detection and the alarm."""


@dataclass(frozen=True, slots=True)
class Approaches:
    """n approaches of objects to areas, each with the places the object was at while a warning could still be in time.

    points: (n, k, 3) east, north on the plane and height, m; the last the latest; NaN before the object was born.
    kind: (n,) index in KINDS. area: (n,) index of the area. people: (n,) residents approached, per night.
    entry: (o, 2) east, north of each object's first place.
    """

    plane: Plane
    points: np.ndarray
    kind: np.ndarray
    area: np.ndarray
    people: np.ndarray
    entry: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)

    def chosen(self, rows: np.ndarray, people: np.ndarray | None = None) -> "Approaches":
        """Some of them, with other weights when given."""
        weight = self.people[rows] if people is None else people
        return Approaches(self.plane, self.points[rows], self.kind[rows], self.area[rows], weight, self.entry)


@dataclass(frozen=True, slots=True)
class Paths:
    """Where objects flew, rows by object and time: time s, east, north, height m, (rows,). first: (objects + 1,)."""

    time: np.ndarray
    east: np.ndarray
    north: np.ndarray
    height: np.ndarray
    first: np.ndarray


def approaches_of(
    plane: Plane,
    paths: Paths,
    kind: np.ndarray,
    who: np.ndarray,
    area: np.ndarray,
    due_s: np.ndarray,
    people: np.ndarray,
) -> Approaches:
    """The approaches (n,) of objects `who` to areas, whose warning is due at due_s; kind is that of each object.

    Between rows objects fly straight. LATENCY_S is taken off here.
    """
    back = np.arange(WINDOW_S, -1e-9, -STEP_S)
    at = (due_s - LATENCY_S)[:, None] - back[None, :]
    born, died = paths.time[paths.first[:-1]][who], paths.time[paths.first[1:] - 1][who]
    # One rising axis for all objects, each on a stretch of its own.
    low = float(paths.time.min(initial=0.0))
    stretch = float(paths.time.max(initial=0.0)) - low + 1.0
    owner = np.repeat(np.arange(len(paths.first) - 1), np.diff(paths.first))
    axis = owner * stretch + (paths.time - low)
    wanted = who[:, None] * stretch + (np.clip(at, born[:, None], died[:, None]) - low)
    columns = [np.interp(wanted, axis, values) for values in (paths.east, paths.north, paths.height)]
    points = np.stack(columns, axis=2) if len(who) else np.empty((0, len(back), 3))
    points[at < born[:, None]] = np.nan
    start = paths.first[:-1]
    entry = np.column_stack([paths.east[start], paths.north[start]])
    return Approaches(plane, points, np.asarray(kind)[who], area, np.asarray(people, float), entry)


def joined(parts: list[Approaches]) -> Approaches:
    """Approaches of several nights on one plane; people become those of the mean night."""
    return Approaches(
        parts[0].plane,
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.area for part in parts]),
        np.concatenate([part.people for part in parts]) / len(parts),
        np.concatenate([part.entry for part in parts]),
    )


def thinned(all_of: Approaches, most: int, seed: int) -> Approaches:
    """At most so many, drawn systematically with chances in proportion to people, so that sums keep their mean.

    Those heavier than a step are all kept with their own weight. Same seed, same choice. Madow 1949.
    """
    if len(all_of) <= most:
        return all_of
    people = all_of.people
    sure = np.zeros(len(all_of), bool)
    while True:
        rest = people[~sure].sum()
        left = most - int(sure.sum())
        if left <= 0 or rest <= 0:
            break
        heavy = ~sure & (people >= rest / left)
        if not heavy.any():
            break
        sure |= heavy
    others = np.flatnonzero(~sure & (people > 0))
    left = max(most - int(sure.sum()), 1)
    reach = np.cumsum(people[others])
    step = reach[-1] / left if len(others) else 1.0
    ticks = (np.random.default_rng(seed).random() + np.arange(left)) * step
    drawn = others[np.minimum(np.searchsorted(reach, ticks), len(others) - 1)] if len(others) else others
    rows = np.concatenate([np.flatnonzero(sure), drawn])
    weight = np.concatenate([people[sure], np.full(len(drawn), step)])
    return all_of.chosen(rows, weight)
