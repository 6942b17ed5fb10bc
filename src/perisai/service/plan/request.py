"""What a plan is asked for."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from perisai.model import Areas, BadInputError, Sensor
from perisai.planning import Inventory, PlanSettings, Terrain

from ..config import Config


@dataclass(kw_only=True)
class Request:
    """What to plan. truths: recorded or simulated nights to plan for; none: `nights` made-up ones from `seed` on.

    app_reach: share of residents whom an alert reaches by cell or app. simulate, hours: nights to run through the real
    chain before and after, and hours of each.
    """

    areas: Areas
    inventory: Inventory
    existing: list[Sensor] = field(default_factory=list)
    terrain: Terrain | None = None
    sites: tuple[np.ndarray, np.ndarray] | None = None
    truths: list[pa.Table] = field(default_factory=list)
    settings: PlanSettings = field(default_factory=PlanSettings)
    nights: int = 20
    seed: int = 1
    app_reach: float = 1.0
    simulate: int = 0
    hours: float = 2.0
    config: Config = field(default_factory=Config)


def check_request(request: Request) -> None:
    """Raises BadInputError for figures out of range."""
    if not 0.0 <= request.app_reach <= 1.0:
        raise BadInputError("--app-reach", str(request.app_reach), "a share from 0 to 1")
    if request.nights < 1 or request.simulate < 0 or request.seed < 0 or not request.hours > 0:
        found = f"{request.nights}, {request.simulate}, {request.seed}, {request.hours}"
        raise BadInputError("--nights, --simulate, --seed, --hours", found, "at least 1, 0, 0 and above 0")
    if not 0.0 <= request.settings.gap < 1.0 or not request.settings.seconds > 0:
        found = f"{request.settings.gap}, {request.settings.seconds}"
        raise BadInputError("--gap, --seconds", found, "a share from 0 to below 1, and seconds above 0")
