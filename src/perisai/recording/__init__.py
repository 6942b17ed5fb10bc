"""Parquet in, replay out."""

from .recorder import PartWriter, parts
from .recording import AREAS_FILE, CHANGES, CONFIG_FILE, FRAMES, ORDERS, SENSORS_FILE, Recording
from .reel import Reel, thin
from .tables import read_table, write_table

__all__ = [
    "AREAS_FILE",
    "CHANGES",
    "CONFIG_FILE",
    "FRAMES",
    "ORDERS",
    "SENSORS_FILE",
    "PartWriter",
    "Recording",
    "Reel",
    "parts",
    "read_table",
    "thin",
    "write_table",
]
