"""Trust in what is reported: who is contradicted, jammed, replayed or impossible counts for less and is named."""

from .claims import ClaimView
from .settings import TrustSettings
from .stage import Standing, Trust
from .suspicion import Suspect

__all__ = ["ClaimView", "Standing", "Suspect", "Trust", "TrustSettings"]
