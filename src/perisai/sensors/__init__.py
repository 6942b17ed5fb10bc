"""Bytes to detections: one module a format."""

from .capture import parse_capture, read_capture
from .health import Cone, HealthState, PdMap, Polygon, SensorHealth
from .imported import Imported

__all__ = ["Cone", "HealthState", "Imported", "PdMap", "Polygon", "SensorHealth", "parse_capture", "read_capture"]
