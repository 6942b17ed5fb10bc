"""The audit log: what people did and were refused, in a chain that nobody can change unseen."""

from .chain import Entry, Fault, verify
from .log import AuditLog

__all__ = ["AuditLog", "Entry", "Fault", "verify"]
