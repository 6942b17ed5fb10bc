"""Perisai: one air picture from many sensors, and alerts for exactly the communities in danger."""
