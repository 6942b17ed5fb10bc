"""The HTTP API, the live socket and the pages of the console."""

from .app import build_app

__all__ = ["build_app"]
