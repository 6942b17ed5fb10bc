"""Forecasts to alerts: decision, life cycle, CAP 1.2."""

from .decision import Alerter
from .settings import AlertSettings, Policy

__all__ = ["AlertSettings", "Alerter", "Policy"]
