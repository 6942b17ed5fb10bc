"""A country in regions, each with a tracker of its own, and their tracks joined into one picture (docs/tracking.md)."""

from .region import TrackerRegion
from .regional import RegionalTracker, region_settings
from .routing import Router
from .stitcher import Stitcher

__all__ = ["RegionalTracker", "Router", "Stitcher", "TrackerRegion", "region_settings"]
