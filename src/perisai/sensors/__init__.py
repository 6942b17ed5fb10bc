"""Bytes to detections: one module a format."""
