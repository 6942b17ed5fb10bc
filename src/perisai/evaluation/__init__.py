"""Scores of tracks and of alerts."""

from .alerts import AlertScores, score_alerts

__all__ = ["AlertScores", "score_alerts"]
