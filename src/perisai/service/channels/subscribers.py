"""Browsers that asked for alerts: kept in the store, found by area."""

import asyncio

from perisai.channels.web_push import Subscription
from perisai.model import BadInputError

from .store import ChannelStore


class Subscribers:
    """What is asked for by whom. `add` and `remove` return once it is on disk."""

    def __init__(self, store: ChannelStore, most: int) -> None:
        self._store, self._most = store, most
        self._by_endpoint: dict[str, Subscription] = {}
        self._by_area: dict[str, dict[str, Subscription]] = {}
        for one in store.subscriptions():
            self._enter(one)

    def __len__(self) -> int:
        return len(self._by_endpoint)

    def find(self, endpoint: str) -> Subscription | None:
        return self._by_endpoint.get(endpoint)

    def of(self, area: str) -> list[Subscription]:
        """Those who asked for an area."""
        return list(self._by_area.get(area, {}).values())

    async def add(self, one: Subscription) -> None:
        """Raises BadInputError when there are too many."""
        if one.endpoint not in self._by_endpoint and len(self) >= self._most:
            raise BadInputError("subscriptions", f"{len(self)}", f"no more than {self._most}")
        await asyncio.to_thread(self._store.subscribe, one)
        self._leave(one.endpoint)
        self._enter(one)

    async def remove(self, *endpoints: str) -> None:
        await asyncio.to_thread(self._store.unsubscribe, endpoints)
        for endpoint in endpoints:
            self._leave(endpoint)

    def _enter(self, one: Subscription) -> None:
        self._by_endpoint[one.endpoint] = one
        for area in one.areas:
            self._by_area.setdefault(area, {})[one.endpoint] = one

    def _leave(self, endpoint: str) -> None:
        before = self._by_endpoint.pop(endpoint, None)
        for area in before.areas if before else ():
            self._by_area.get(area, {}).pop(endpoint, None)
