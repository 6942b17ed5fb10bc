"""Operators' orders: from a request to the bus, and what waits for an operator."""

from .desk_view import EMPTY, Answered, desk_view
from .reach import areas_within, population

__all__ = ["EMPTY", "Answered", "areas_within", "desk_view", "population"]
