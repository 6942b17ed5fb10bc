"""`perisai plan`: where offered sensors and sirens protect the most people, and what each offer is worth."""

from typing import Annotated, Any

from cyclopts import Parameter

from perisai.model import BadInputError

from ..plan.options import PlanOptions
from .output import meter, say, show
from .stages import Json, Out


def plan(options: Annotated[PlanOptions, Parameter(name="*")], *, out: Out, json: Json = False) -> None:
    """Where offered sensors and sirens protect the most people, and what each contribution is worth.

    Example: perisai plan --inventory offers.toml --areas communities.geojson -o plan.geojson

    Writes PLAN.geojson, and beside it PLAN.sensors.toml (for `perisai simulate` and `perisai run`), PLAN.html, and
    PLAN.before.geojson and PLAN.after.geojson for the console's map ([region] layers).

    Args:
        out: the plan, GeoJSON to write.
        json: print the answers as one JSON object.
    """
    from ..plan.answer import NO_TERRAIN, answer
    from ..plan.everybody import plan_for_all
    from ..plan.given import request_of
    from ..plan.make import make_plan
    from ..plan.write import write_plan

    if out.suffix not in (".geojson", ".json"):
        raise BadInputError("-o", str(out), "a file named .geojson")
    request = request_of(options)
    if request.terrain is None and not json:
        say(f"note: {NO_TERRAIN}")
    if options.objective == "all":
        show(plan_for_all(request, out), json)
        return
    with meter() as tell:
        made = make_plan(request, tell)
    files = write_plan(made, out)
    told = answer(made) | {"files": {name: str(path) for name, path in files.items()}}
    show(told if json else _brief(told), json)


def _brief(told: dict[str, Any]) -> dict[str, Any]:
    """The figures for a person; the rest is in the report."""
    names = (
        "objective", "units", "spare_units", "contributors", "gap", "in_time_before", "in_time", "in_time_by_kind",
        "people_approached", "people_warned_in_time", "people_who_hear_a_siren", "cost", "crew", "terrain", "files",
    )  # fmt: skip
    brief = {name: told[name] for name in names}
    if told["simulated"]:
        brief["simulated_in_time"] = {name: told["simulated"][name] for name in ("in_time_before", "in_time")}
    return brief
