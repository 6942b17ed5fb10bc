"""How often one address may ask."""

import time
from collections.abc import Callable

MAX_ADDRESSES = 100_000


class RateLimit:
    """A bucket for each address that fills at per_minute and holds as many. clock: seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, address: str) -> float:
        """Takes one from the bucket, 0.0; or how long until there is one."""
        now = self._clock()
        left, at = self._buckets.pop(address, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - at) * self._per_minute / 60.0)
        if len(self._buckets) >= MAX_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        if left < 1.0:
            self._buckets[address] = (left, now)
            return (1.0 - left) * 60.0 / self._per_minute
        self._buckets[address] = (left - 1.0, now)
        return 0.0
