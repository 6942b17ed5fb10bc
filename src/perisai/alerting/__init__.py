"""Forecasts to alerts: decision, life cycle, CAP 1.2."""
