"""How often somebody may try: a bucket of tries that fills again with time."""

import threading
import time
from collections.abc import Callable

KEYS = 10_000
"""Most keys remembered; those with most tries left go first, so that no flood of names makes memory grow."""


class Throttle:
    """`burst` tries at once for each key, then one every `each_s`. Thread-safe. clock: seconds, monotonic."""

    def __init__(self, burst: int, each_s: float, clock: Callable[[], float]) -> None:
        self._burst, self._each_s, self._clock = burst, each_s, clock
        self._spent: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """Seconds until the key has a try again, 0 when it has one now."""
        with self._lock:
            return max(0.0, (self._now(key) - self._burst + 1) * self._each_s)

    def spend(self, key: str) -> None:
        """Count a try."""
        with self._lock:
            self._spent[key] = (self._now(key) + 1.0, self._clock())
            if len(self._spent) > KEYS:  # to half, so that the work is shared by many tries
                for each in sorted(self._spent, key=self._now)[: KEYS // 2]:
                    del self._spent[each]

    def take(self, key: str) -> float:
        """Count a try when there is one; returns the seconds to wait, 0 when it was taken."""
        wait_s = self.wait_s(key)
        if wait_s == 0.0:
            self.spend(key)
        return wait_s

    def forget(self, key: str) -> None:
        """Give all tries back."""
        with self._lock:
            self._spent.pop(key, None)

    def _now(self, key: str) -> float:
        spent, at = self._spent.get(key, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - at) / self._each_s)


def per_minute(tries: int) -> Throttle:
    """So many tries a minute for each key, as many at once."""
    return Throttle(tries, 60.0 / tries, time.monotonic)
