"""Who offers what, from when, and under which conditions."""

import csv
import datetime as dt
import re
import tomllib
from typing import Any

import msgspec

from perisai.model import BadInputError

from .units import CATALOGUE, UnitType, check


class Contribution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of one type from one country (or any other giver).

    ready: from this day on. only_in: codes of areas or of their parents, or what these begin with, where they may
    stand; box: west, south, east, north in degrees; both empty: anywhere.
    cost, crew: of one unit, instead of its type's.
    """

    country: str
    type: str
    count: int
    ready: dt.date = dt.date.min
    only_in: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    cost: float | None = None
    crew: float | None = None


class Inventory(msgspec.Struct, frozen=True):
    """Contributions in the order of the file, and the types they name."""

    contributions: tuple[Contribution, ...]
    types: dict[str, UnitType]

    def stages(self) -> tuple[dt.date, ...]:
        """The days on which anything becomes ready, in order."""
        return tuple(sorted({given.ready for given in self.contributions}))


def parse_inventory(content: str, source: str) -> Inventory:
    """An inventory from TOML: `[[contribution]]` tables, and `[[type]]` tables for types beyond the catalogue.

    Raises BadInputError naming the entry and field at fault, also when nothing is offered.
    """
    try:
        document = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(source, str(error), "a TOML file of contributions") from error
    unknown = set(document) - {"contribution", "type"}
    if unknown:
        raise BadInputError(f"{source}: {min(unknown)}", "unknown", "[[contribution]] and [[type]] tables")
    types = dict(CATALOGUE)
    for number, row in enumerate(_tables(document, "type", source), start=1):
        where = f"{source}: type {row.get('id', number)}"
        unit = _convert(row, UnitType, where)
        check(unit, where)
        types[unit.id] = unit
    given: list[Contribution] = []
    for number, row in enumerate(_tables(document, "contribution", source), start=1):
        where = f"{source}: contribution {number} ({row.get('country', '?')})"
        entry = _convert(row, Contribution, where)
        _check(entry, types, where)
        given.append(entry)
    if not any(entry.count for entry in given):
        raise BadInputError(source, "no units offered", "at least one [[contribution]] with a count above 0")
    return Inventory(tuple(given), types)


NUMBER = re.compile(r"-?\d+(\.\d*)?")
COLUMNS = ("country", "type", "count", "ready", "only_in", "box", "cost", "crew")


def parse_inventory_csv(content: str, source: str) -> Inventory:
    """An inventory from CSV with a heading: country, type, count and any of ready (YYYY-MM-DD), only_in (codes with
    semicolons between), box (west;south;east;north), cost, crew. Types are those of the catalogue.

    Raises BadInputError naming the line and column at fault, also when nothing is offered.
    """
    rows = csv.DictReader(content.lstrip("\ufeff").splitlines())
    heading = tuple(name.strip() for name in rows.fieldnames or ())
    missing, unknown = set(COLUMNS[:3]) - set(heading), set(heading) - set(COLUMNS)
    if missing or unknown or len(set(heading)) < len(heading):
        raise BadInputError(f"{source}: line 1", ",".join(heading) or "empty", f"columns of {', '.join(COLUMNS)}")
    given: list[Contribution] = []
    for row in rows:
        where = f"{source}: line {rows.line_num} ({row.get('country') or '?'})"
        if None in row or None in row.values():
            raise BadInputError(where, "not as many fields as the heading", f"{len(heading)} fields")
        filled: dict[str, Any] = {name.strip(): value.strip() for name, value in row.items() if value.strip()}
        for name in ("only_in", "box"):
            if name in filled:
                filled[name] = [part.strip() for part in filled[name].split(";")]
        for name in ("count", "cost", "crew"):
            if name in filled and not NUMBER.fullmatch(filled[name]):
                raise BadInputError(f"{where}: {name}", repr(filled[name]), "a number, 0 or more")
        entry = _convert(filled, Contribution, where)
        _check(entry, CATALOGUE, where)
        given.append(entry)
    if not any(entry.count for entry in given):
        raise BadInputError(source, "no units offered", "at least one line with a count above 0")
    return Inventory(tuple(given), dict(CATALOGUE))


def _tables(document: dict[str, Any], name: str, source: str) -> list[dict[str, Any]]:
    rows = document.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInputError(f"{source}: {name}", "not a list of tables", f"[[{name}]] tables")
    return rows


def _convert(row: dict[str, Any], kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(row, kind, strict=False)
    except msgspec.ValidationError as error:
        fields = ", ".join(field.name for field in msgspec.structs.fields(kind))
        raise BadInputError(where, str(error), f"the fields {fields}") from error


def _check(entry: Contribution, types: dict[str, UnitType], where: str) -> None:
    if entry.type not in types:
        raise BadInputError(f"{where}: type", repr(entry.type), f"one of {', '.join(sorted(types))}")
    if entry.count < 0:
        raise BadInputError(f"{where}: count", str(entry.count), "0 or more")
    for name in ("cost", "crew"):
        value = getattr(entry, name)
        if value is not None and value < 0:
            raise BadInputError(f"{where}: {name}", str(value), "0 or more")
    if entry.box is not None:
        west, south, east, north = entry.box
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise BadInputError(f"{where}: box", str(entry.box), "west, south, east, north in degrees")
