"""What a recording keeps, and what it gives up first when the disk is nearly full."""

import msgspec

from perisai.model import BadInputError

GIVEN_UP: tuple[tuple[str, float], ...] = (
    ("detections", 4.0), ("tracks", 2.0), ("forecasts", 2.0), ("partners", 2.0),
)  # fmt: skip
"""In this order, and at so many times the reserve: raw detections first. Alerts, orders and CAP messages never."""


class RecordingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[recording]`. Days after which a kind is removed, 0 for never; reserve_mb: free space kept for alerts.

    Tracks of partners go with our own. A replay needs the detections; alerts and operators' orders are kept for ever
    unless somebody says otherwise. alerts_held_h: hours that an alert which has ended stays in memory; older ones are
    read from the recording when somebody asks.
    """

    detections_days: float = 30.0
    tracks_days: float = 90.0
    forecasts_days: float = 30.0
    reserve_mb: float = 512.0
    alerts_held_h: float = 24.0

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        for name in ("detections_days", "tracks_days", "forecasts_days", "reserve_mb", "alerts_held_h"):
            if not getattr(self, name) >= 0:
                raise BadInputError(f"recording.{name}", str(getattr(self, name)), "0 or more")

    @property
    def alerts_held_us(self) -> int:
        return round(self.alerts_held_h * 3.6e9)


def given_up(free_bytes: int, settings: RecordingSettings) -> tuple[str, ...]:
    """The kinds that are not written while so much space is free."""
    reserve = settings.reserve_mb * 1e6
    return tuple(kind for kind, times in GIVEN_UP if free_bytes < times * reserve)
