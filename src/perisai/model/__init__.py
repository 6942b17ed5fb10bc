"""The nouns of the house, their tables and units. This package knows of no other."""

from .alert import Alert, AlertChange, Level, Mode, Threat, alerts_table
from .area import Areas, parse_areas
from .errors import NOT_JSON, BadInputError, PerisaiError, ResourceError, check_distinct
from .frame import FRAME_US, Frame, close_frame, frame_end_us, split_frames
from .health import Cone, HealthState, PdMap, Polygon, SensorHealth
from .neutral import neutral
from .schemas import (
    ALERTS,
    ARRIVED_S,
    ARRIVED_STEP_S,
    DETECTIONS,
    FORECASTS,
    KINDS,
    LEVELS,
    PARTNERS,
    SCHEMAS,
    STATUSES,
    THREATS,
    TIME,
    TRACKS,
    TRUTH,
)
from .sensor import SOUND_MPS, Sensor, parse_sensors, write_sensors
from .table import build, check_values, conform, empty, floats, table_bytes, table_from, time_us

__all__ = [
    "ALERTS",
    "ARRIVED_S",
    "ARRIVED_STEP_S",
    "DETECTIONS",
    "FORECASTS",
    "FRAME_US",
    "KINDS",
    "LEVELS",
    "NOT_JSON",
    "PARTNERS",
    "SCHEMAS",
    "SOUND_MPS",
    "STATUSES",
    "THREATS",
    "TIME",
    "TRACKS",
    "TRUTH",
    "Alert",
    "AlertChange",
    "Areas",
    "BadInputError",
    "Cone",
    "Frame",
    "HealthState",
    "Level",
    "Mode",
    "PdMap",
    "PerisaiError",
    "Polygon",
    "ResourceError",
    "Sensor",
    "SensorHealth",
    "Threat",
    "alerts_table",
    "build",
    "check_distinct",
    "check_values",
    "close_frame",
    "conform",
    "empty",
    "floats",
    "frame_end_us",
    "neutral",
    "parse_areas",
    "parse_sensors",
    "split_frames",
    "table_bytes",
    "table_from",
    "time_us",
    "write_sensors",
]
