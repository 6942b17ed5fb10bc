"""Detections to tracks: one air picture from many sensors (docs/tracking.md)."""

from .registration import SensorHealth
from .settings import TrackerSettings
from .tracker import Tracker

__all__ = ["SensorHealth", "Tracker", "TrackerSettings"]
