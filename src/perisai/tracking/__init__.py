"""Detections to tracks: one air picture from many sensors (docs/tracking.md)."""

from .regions import RegionalTracker, Router, Stitcher, TrackerRegion, region_settings
from .registration import SensorHealth
from .settings import TrackerSettings
from .tracker import Tracker

__all__ = [
    "RegionalTracker", "Router", "SensorHealth", "Stitcher", "Tracker", "TrackerRegion", "TrackerSettings",
    "region_settings",
]  # fmt: skip
