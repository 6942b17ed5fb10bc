"""The time that channels go by: the clock's, or that of a picture that is played."""

import time
from collections.abc import Callable
from dataclasses import dataclass


def wall_us() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class ChannelClock:
    """picture_us: time of the picture, 0 before the first frame. played: whether it is played and not of now."""

    picture_us: Callable[[], int]
    played: bool

    def now_us(self) -> int:
        """The time by which alerts expire: the picture's own when it is played."""
        return (self.picture_us() or wall_us()) if self.played else wall_us()

    def shift_us(self) -> int:
        """What to add to times of the picture for partners who compare them with their own clock; 0 when live."""
        now_us = self.picture_us()
        return wall_us() - now_us if self.played and now_us else 0
