"""Limits on what one sender may send: size of a message, messages a second."""

from collections import Counter

MOST_SENDERS = 100_000


class Gate:
    """A bucket of tokens for each sender: `per_s` a second, twice as many at once."""

    def __init__(self, max_bytes: int, per_s: float) -> None:
        self.max_bytes = max_bytes
        self._per_s = per_s
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, sender: str, size: int, now_s: float, rejects: Counter[str]) -> bool:
        """Whether a message may pass; counted under `too large` or `too many messages` when not."""
        if size > self.max_bytes:
            rejects["too large"] += 1
            return False
        tokens, at = self._buckets.get(sender, (2.0 * self._per_s, now_s))
        tokens = min(2.0 * self._per_s, tokens + (now_s - at) * self._per_s)
        if tokens < 1.0:
            self._buckets[sender] = (tokens, now_s)
            rejects["too many messages"] += 1
            return False
        if sender not in self._buckets and len(self._buckets) >= MOST_SENDERS:
            self._buckets.clear()
        self._buckets[sender] = (tokens - 1.0, now_s)
        return True


class Pace:
    """A limit on a stream, of which nothing may be left out: how long the reading is to wait."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._tokens, self._at_s = 2.0 * per_s, 0.0

    def wait_s(self, messages: float, now_s: float) -> float:
        """Take so many messages; the seconds to wait before the next are read."""
        self._tokens = min(2.0 * self._per_s, self._tokens + (now_s - self._at_s) * self._per_s) - messages
        self._at_s = now_s
        return max(0.0, -self._tokens / self._per_s)
