"""Scores of tracks and of alerts."""

from .alerts import AlertScores, score_alerts
from .gospa import Gospa, gospa
from .tracks import KindScores, TrackScores, score_tracks

__all__ = ["AlertScores", "Gospa", "KindScores", "TrackScores", "gospa", "score_alerts", "score_tracks"]
