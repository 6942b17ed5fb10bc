"""Parquet in, replay out."""

from .query import query
from .recorder import PartWriter, parts
from .recording import ABSENCES, AREAS_FILE, CHANGES, CONFIG_FILE, FRAMES, ORDERS, SENSORS_FILE, Recording
from .reel import Reel, thin
from .settings import RecordingSettings, given_up
from .tables import read_table, regrouped, write_table, write_tables
from .upkeep import keep_up

__all__ = [
    "ABSENCES",
    "AREAS_FILE",
    "CHANGES",
    "CONFIG_FILE",
    "FRAMES",
    "ORDERS",
    "SENSORS_FILE",
    "PartWriter",
    "Recording",
    "RecordingSettings",
    "Reel",
    "given_up",
    "keep_up",
    "parts",
    "query",
    "read_table",
    "regrouped",
    "thin",
    "write_table",
    "write_tables",
]
