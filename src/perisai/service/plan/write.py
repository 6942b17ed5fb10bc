"""The files of a plan, side by side."""

from pathlib import Path

from perisai.model import write_sensors

from .layers import console_layer, plan_geojson
from .make import Plan
from .report import plan_report


def write_plan(plan: Plan, out: Path) -> dict[str, Path]:
    """Writes the plan to `out` and the rest beside it; where each of them is. No sensors, no sensors TOML."""
    files = {"plan": out}
    texts = {"plan": plan_geojson(plan)}
    if plan.sensors:
        files["sensors"] = out.with_suffix(".sensors.toml")
        comment = f"Planned by perisai plan (objective {plan.request.settings.objective}) with what stood before."
        texts["sensors"] = write_sensors(plan.sensors, comment).encode()
    files["report"] = out.with_suffix(".html")
    texts["report"] = plan_report(plan).encode()
    for when in ("before", "after"):
        files[when] = out.with_suffix(f".{when}.geojson")
        texts[when] = console_layer(plan, when)
    out.parent.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        path.write_bytes(texts[name])
    return files
