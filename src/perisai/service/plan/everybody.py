"""`perisai plan --objective all`: what it would take to watch every area."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from perisai.planning import need_for_all, region_of

from .layers import feature_at
from .nights import placed_of, plane_of
from .request import Request


def plan_for_all(request: Request, out: Path) -> dict[str, Any]:
    """The cheapest units that watch every area, written as points; the answer as plain figures."""
    areas = request.areas
    region = region_of(areas, plane_of(areas), request.terrain)
    standing = placed_of(request.existing, request.terrain)
    patterns, found = need_for_all(region, request.inventory, standing, request.settings)
    features = [
        feature_at(
            patterns.lat[p], patterns.lon[p], role="unit", id=f"need-{k:04d}", type=patterns.unit(p).id,
            kind=patterns.unit(p).kind, cost=patterns.unit(p).cost,
        )
        for k, p in enumerate(map(int, found.pattern), start=1)
    ]  # fmt: skip
    needed = Counter(patterns.unit(int(p)).id for p in found.pattern)
    offered: Counter[str] = Counter()
    for given in request.inventory.contributions:
        offered[given.type] += given.count
    told: dict[str, Any] = {
        "objective": "all",
        "units": len(found.pattern),
        "needed": dict(needed),
        "offered": {name: offered[name] for name in needed},
        "cost": found.cost,
        "bound": found.bound,
        "gap": found.gap,
        "areas": len(areas),
        "areas_out_of_reach": [areas.code[int(a)] for a in found.unreachable],
        "files": {"plan": str(out)},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.encode({"type": "FeatureCollection", "perisai": told, "features": features}))
    return told
