"""Which areas each track may reach, how likely and when: Forecaster."""

from .forecaster import Forecaster
from .settings import ForecastSettings, Motion

__all__ = ["ForecastSettings", "Forecaster", "Motion"]
