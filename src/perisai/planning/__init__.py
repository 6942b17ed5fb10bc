"""Where scarce sensors and sirens protect the most people."""

from .coverage import Grid, Placed, disc_share, grid_over, joint_detection, people_reached
from .hearing import hearing_radius_m, siren_radius_m
from .horizon import horizon_m, lowest_visible_smooth_m
from .inventory import Contribution, Inventory, parse_inventory
from .terrain import Terrain, read_terrain
from .units import CATALOGUE, UnitType
from .viewshed import lowest_visible_m

__all__ = [
    "CATALOGUE",
    "Contribution",
    "Grid",
    "Inventory",
    "Placed",
    "Terrain",
    "UnitType",
    "disc_share",
    "grid_over",
    "hearing_radius_m",
    "horizon_m",
    "joint_detection",
    "lowest_visible_m",
    "lowest_visible_smooth_m",
    "parse_inventory",
    "people_reached",
    "read_terrain",
    "siren_radius_m",
]
