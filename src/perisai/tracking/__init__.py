"""Detections to tracks: one air picture from many sensors (docs/tracking.md)."""

from .regions import RegionalTracker, Router, Stitcher, TrackerRegion, region_settings
from .registration import SensorRegistration
from .settings import TrackerSettings
from .tracker import Tracker

__all__ = [
    "RegionalTracker", "Router", "SensorRegistration", "Stitcher", "Tracker", "TrackerRegion", "TrackerSettings",
    "region_settings",
]  # fmt: skip
