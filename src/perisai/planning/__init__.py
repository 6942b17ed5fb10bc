"""Where scarce sensors and sirens protect the most people."""

from .approaches import Approaches, Paths, approaches_of, joined, thinned
from .corridors import Corridor, corridors, density_of, rim, rim_near
from .cover_all import CoverAll, cover_all
from .coverage import Grid, Placed, disc_share, grid_over, joint_detection, people_reached
from .hearing import hearing_radius_m, siren_radius_m
from .horizon import horizon_m, lowest_visible_smooth_m
from .inventory import Contribution, Inventory, parse_inventory, parse_inventory_csv
from .planner import (
    OBJECTIVES,
    Objective,
    Placement,
    PlanSettings,
    Region,
    corridor_grid,
    need_for_all,
    place_sensors,
    place_sirens,
    region_of,
    stage_dates,
    units_of,
)
from .predict import Prediction, predict
from .problem import Choice, Problem, backup_gains, covering_gains, expected_gains, from_mask, one_pool, value_of
from .sirens import Blocks, reached_share
from .sites import sites_from
from .solve import solve
from .terrain import Terrain, read_terrain
from .units import CATALOGUE, UnitType, unit_of
from .viewshed import lowest_visible_m
from .worth import Worth, next_gains, unit_losses, worth

__all__ = [
    "CATALOGUE",
    "OBJECTIVES",
    "Approaches",
    "Blocks",
    "Choice",
    "Contribution",
    "Corridor",
    "CoverAll",
    "Grid",
    "Inventory",
    "Objective",
    "Paths",
    "Placed",
    "Placement",
    "PlanSettings",
    "Prediction",
    "Problem",
    "Region",
    "Terrain",
    "UnitType",
    "Worth",
    "approaches_of",
    "backup_gains",
    "corridor_grid",
    "corridors",
    "cover_all",
    "covering_gains",
    "density_of",
    "disc_share",
    "expected_gains",
    "from_mask",
    "grid_over",
    "hearing_radius_m",
    "horizon_m",
    "joined",
    "joint_detection",
    "lowest_visible_m",
    "lowest_visible_smooth_m",
    "need_for_all",
    "next_gains",
    "one_pool",
    "parse_inventory",
    "parse_inventory_csv",
    "people_reached",
    "place_sensors",
    "place_sirens",
    "predict",
    "reached_share",
    "read_terrain",
    "region_of",
    "rim",
    "rim_near",
    "siren_radius_m",
    "sites_from",
    "solve",
    "stage_dates",
    "thinned",
    "unit_losses",
    "unit_of",
    "units_of",
    "value_of",
    "worth",
]
