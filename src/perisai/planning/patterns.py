"""Every way a unit may be used (a type at a site) with whom it covers, and the placement problem made of them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perisai.model import Areas, BadInputError

from .approaches import Approaches
from .inventory import Contribution, Inventory
from .problem import Problem
from .sites import Sites, may_stand
from .terrain import Terrain
from .units import UnitType
from .watch import Watcher

END_DAYS = 90.0
"""The first stage without a date, and the last, are taken to last so long."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """p patterns: type (index in types), place, area that holds it; cover as in `Problem`."""

    types: tuple[UnitType, ...]
    type_of: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    area: np.ndarray
    start: np.ndarray
    cover: np.ndarray

    def __len__(self) -> int:
        return len(self.type_of)

    def unit(self, pattern: int) -> UnitType:
        """The type of unit of a pattern."""
        return self.types[self.type_of[pattern]]

    def sites(self) -> Sites:
        """The places of the patterns as sites; east and north are not kept."""
        nothing = np.zeros(len(self))
        return Sites(self.lat, self.lon, nothing, nothing, self.area)


def assemble(types: tuple[UnitType, ...], stand: list[Sites], covers: list[list[np.ndarray]]) -> Patterns:
    """Patterns of the types at their sites from the demand each covers; what covers nothing is left out."""
    which: list[tuple[int, int]] = []
    parts: list[np.ndarray] = []
    for t, found in enumerate(covers):
        for s, cover in enumerate(found):
            if len(cover):
                which.append((t, s))
                parts.append(cover)
    type_of = np.array([t for t, _ in which], np.int64)
    return Patterns(
        types,
        type_of,
        np.array([stand[t].lat[s] for t, s in which]),
        np.array([stand[t].lon[s] for t, s in which]),
        np.array([stand[t].area[s] for t, s in which], np.int64),
        np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64),
        np.concatenate([*parts, np.empty(0, np.int32)]).astype(np.int32),
    )


def watch_patterns(
    types: tuple[UnitType, ...],
    stand: list[Sites],
    approaches: Approaches,
    terrain: Terrain | None,
    progress: Callable[[float], None] | None = None,
) -> Patterns:
    """Patterns of sensing types: each covers the approaches that it alone tracks in time (`watch.SURE`)."""
    watcher = Watcher(approaches, terrain)
    total, done = sum(len(sites) for sites in stand), 0
    covers: list[list[np.ndarray]] = []
    for unit, sites in zip(types, stand, strict=True):
        found: list[np.ndarray] = []
        for s in range(len(sites)):
            place = float(sites.lat[s]), float(sites.lon[s]), float(sites.east[s]), float(sites.north[s])
            found.append(watcher.covers(unit, *place))
            done += 1
            if progress and done % 50 == 0:
                progress(done / total)
        covers.append(found)
    return assemble(types, stand, covers)


def stage_weights(stages: tuple[dt.date, ...]) -> np.ndarray:
    """Share of the planned time that each stage lasts, (t,)."""
    days = [float((b - a).days) if a != dt.date.min else END_DAYS for a, b in pairwise(stages)]
    length = np.array([*days, END_DAYS])
    return length / length.sum()


def cost_of(given: Contribution, unit: UnitType, limit: str) -> float:
    """What one unit takes of the limited means: `cost` or `crew`; the contribution's own figure wins."""
    own = given.cost if limit == "cost" else given.crew
    if own is not None:
        return own
    return unit.cost if limit == "cost" else unit.crew


def placement(
    patterns: Patterns,
    inventory: Inventory,
    chosen: list[int],
    areas: Areas,
    weight: np.ndarray,
    gains: np.ndarray,
    already: np.ndarray,
    limit: tuple[str, float] | None = None,
) -> Problem:
    """The problem of placing some of the inventory's contributions (indices `chosen`, the pools in that order).

    limit: ("cost" or "crew", the most that all units together may take). Raises BadInputError when a contribution has
    no site at all.
    """
    stages = inventory.stages()
    number = {unit.id: t for t, unit in enumerate(patterns.types)}
    places = patterns.sites()
    allowed: list[np.ndarray] = []
    for c in chosen:
        given = inventory.contributions[c]
        fits = (patterns.type_of == number[given.type]) & may_stand(given, places, areas)
        allowed.append(np.flatnonzero(fits).astype(np.int32))
    if chosen and not sum(len(part) for part in allowed):
        raise BadInputError("sites", "no site where an offered unit may stand and protect anybody", "at least one")
    offers = [inventory.contributions[c] for c in chosen]
    kind, most = limit if limit else ("cost", np.inf)
    return Problem(
        weight=np.asarray(weight, float),
        start=patterns.start,
        cover=patterns.cover,
        gains=gains,
        stage_weight=stage_weights(stages),
        pool_count=np.array([given.count for given in offers], np.int64),
        pool_stage=np.array([stages.index(given.ready) for given in offers], np.int64),
        pool_cost=np.array([cost_of(given, inventory.types[given.type], kind) for given in offers], float),
        pool_start=np.concatenate([[0], np.cumsum([len(part) for part in allowed])]).astype(np.int64),
        pattern=np.concatenate([*allowed, np.empty(0, np.int32)]).astype(np.int32),
        already=np.asarray(already, np.int32),
        budget=float(most),
    )
