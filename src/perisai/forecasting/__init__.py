"""Tracks and areas to forecasts: which communities an object will reach, and when."""
