"""Which areas each track may reach, how likely and when: Forecaster; and learning how objects fly: fit."""

from .fit import Fitted, fit
from .forecaster import Forecaster
from .settings import ForecastSettings, Motion

__all__ = ["Fitted", "ForecastSettings", "Forecaster", "Motion", "fit"]
