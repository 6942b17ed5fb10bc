"""Prometheus metrics of the inputs."""

import time

from prometheus_client import Counter, Gauge

MESSAGES = Counter("perisai_input_messages", "Messages received", ["input"])
BYTES = Counter("perisai_input_bytes", "Bytes received", ["input"])
DETECTIONS = Counter("perisai_input_detections", "Detections handed to the bus", ["input"])
RECORDS = Counter("perisai_input_records", "Records met, by category or kind", ["input", "kind"])
REJECTS = Counter("perisai_input_rejects", "Records refused, by reason", ["input", "reason"])
SHED = Counter("perisai_detections_shed", "Detections given up because there were too many", ["class"])
LOST = Counter("perisai_input_lost", "Datagrams the kernel had no room for", ["input"])
CONNECTED = Gauge("perisai_input_connected", "Connections of an input", ["input"])
AGE = Gauge("perisai_input_age_seconds", "Seconds since the last message", ["input"])
HEALTH = Gauge("perisai_sensor_health", "2 ok, 1 degraded, 0 failed or off, by the sensor's own word", ["sensor"])

STATES = {"ok": 2.0, "degraded": 1.0, "failed": 0.0, "off": 0.0}


def watch_age(name: str, heard_s: list[float]) -> None:
    """Let the age follow `heard_s[0]`, the monotonic time of the last message (0: none yet)."""
    AGE.labels(name).set_function(lambda: time.monotonic() - heard_s[0] if heard_s[0] else float("nan"))
