"""Scores of tracks and of alerts."""
