"""Forecasts to alerts: decision, life cycle, CAP 1.2."""

from .cap_message import CapMessage
from .cap_settings import CapSettings
from .cap_signer import KeyPair, Signer, make_key
from .cap_writer import CapWriter
from .decision import Alerter
from .settings import AlertSettings, Policy

__all__ = [
    "AlertSettings",
    "Alerter",
    "CapMessage",
    "CapSettings",
    "CapWriter",
    "KeyPair",
    "Policy",
    "Signer",
    "make_key",
]
