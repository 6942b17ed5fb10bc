"""Forecasts to alerts: decision, what operators do by hand, life cycle, CAP 1.2."""

from .cap_message import CapMessage
from .cap_settings import CapSettings
from .cap_signer import KeyPair, Signer, make_key
from .cap_writer import CapWriter
from .decision import Alerter
from .desk import Desk
from .orders import Answer, DeskStep, Order, OrderKind, Proposal, Waiting
from .settings import AlertSettings, OperatorSettings, Policy

__all__ = [
    "AlertSettings",
    "Alerter",
    "Answer",
    "CapMessage",
    "CapSettings",
    "CapWriter",
    "Desk",
    "DeskStep",
    "KeyPair",
    "OperatorSettings",
    "Order",
    "OrderKind",
    "Policy",
    "Proposal",
    "Signer",
    "Waiting",
    "make_key",
]
