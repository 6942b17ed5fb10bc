"""Open ends at the gateway: what passes, for those who stream it on. Bounded: who is too slow is let go."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")
MAX_WAITING = 120
"""Items that wait for one reader: two minutes of frames."""


class Tap(Generic[Item]):
    """One reader. lost: it was too slow, and something passed that it will not see."""

    def __init__(self) -> None:
        self.lost = False
        self._waiting: deque[Item] = deque()
        self._ready = asyncio.Event()

    def offer(self, item: Item) -> None:
        """Never waits."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            self.lost = True
        if not self.lost:
            self._waiting.append(item)
        self._ready.set()

    async def next(self, timeout_s: float) -> list[Item]:
        """What has passed since it last asked; nothing after timeout_s."""
        if not self._waiting and not self.lost:
            try:
                await asyncio.wait_for(self._ready.wait(), timeout_s)
            except TimeoutError:
                return []
        self._ready.clear()
        items = list(self._waiting)
        self._waiting.clear()
        return items
