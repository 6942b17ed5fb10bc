"""Bytes to detections: one module a format."""

from .capture import parse_capture, read_capture
from .imported import Imported

__all__ = ["Imported", "parse_capture", "read_capture"]
