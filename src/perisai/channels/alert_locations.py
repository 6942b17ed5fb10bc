"""The numbers by which today's Ukrainian alert apps know a place, and the tree of KATOTTG codes.

A code is UA, then 2 digits of the oblast, 2 of the raion, 3 of the hromada (Ministry order 290 of 26 November 2020);
zeros mean "the whole". So what lies in a place is found by the beginning of the code.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

OBLAST, RAION, HROMADA = 4, 6, 9
"""Length of the beginning of a code that names each level."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place of the apps. uid: their number. level: oblast, raion or hromada. code: KATOTTG."""

    uid: int
    level: str
    title: str
    code: str

    @property
    def stem(self) -> str:
        return stem(self.code)


def stem(code: str) -> str:
    """The beginning of a KATOTTG code that all places in it share; a code of another kind stands for itself."""
    if len(code) != 19 or not code.startswith("UA"):
        return code
    if code[OBLAST:HROMADA] == "00000":
        return code[:OBLAST]
    return code[:RAION] if code[RAION:HROMADA] == "000" else code[:HROMADA]


@cache
def locations() -> tuple[Location, ...]:
    """All places the apps know that have a code, by uid."""
    source = files("perisai").joinpath("data/ukraine/alert_locations.csv")
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    return tuple(Location(int(row["uid"]), row["level"], row["title_uk"], row["code"]) for row in rows if row["code"])


@dataclass(frozen=True, slots=True)
class Region:
    """A region of ukrainealarm.com. id: its number there; parent: that of the region that holds it, empty for none."""

    id: str
    level: str
    title: str
    parent: str
    code: str

    @property
    def stem(self) -> str:
        """As `stem`, or what nothing begins with where the code is not known."""
        return stem(self.code) or f"?{self.id}"


@cache
def regions() -> tuple[Region, ...]:
    """All regions that ukrainealarm.com knows."""
    source = files("perisai").joinpath("data/ukraine/ukrainealarm_regions.csv")
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    return tuple(Region(row["id"], row["level"], row["title_uk"], row["parent"], row["code"]) for row in rows)


def place_parts(code: str) -> list[str]:
    """The place itself and those it lies in, as beginnings of codes, widest first."""
    own = stem(code)
    if not own.startswith("UA"):
        return [own]
    return [own[:length] for length in (OBLAST, RAION) if len(own) > length] + [own]


@cache
def by_stem() -> dict[str, Location]:
    """Places by the beginning of their code."""
    return {location.stem: location for location in locations()}
