"""Scores of tracks, of alerts and of the record of real sirens."""

from .alerts import AlertScores, score_alerts
from .forecast_skill import pooled_log_score
from .gospa import Gospa, gospa
from .report import after_action_report
from .sirens import SirenScores, score_sirens
from .tracks import KindScores, TrackScores, score_tracks

__all__ = [
    "AlertScores",
    "Gospa",
    "KindScores",
    "SirenScores",
    "TrackScores",
    "after_action_report",
    "gospa",
    "pooled_log_score",
    "score_alerts",
    "score_sirens",
    "score_tracks",
]
