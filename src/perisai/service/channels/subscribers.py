"""Browsers that asked for alerts: kept in the store, found by area.

Where roles are processes of their own, one takes what is asked and another pushes, with a third ready to take over: all
of them follow one stream of the bus that keeps the newest word of each browser.
"""

import asyncio
import hashlib
import secrets
from collections import Counter

import msgspec
import structlog

from perisai.channels.web_push import Subscription
from perisai.model import BadInputError

from ..bus import SUBSCRIBER, Bus
from .store import ChannelStore

log = structlog.get_logger("subscribers")


class _Word(msgspec.Struct, frozen=True):
    """On the bus. wanted: what is asked for, None for no more; key: by which the browser knows who pushes."""

    endpoint: str
    wanted: Subscription | None
    key: str


class Subscribers:
    """What is asked for by whom. `add` and `remove` return once it is on disk."""

    def __init__(self, store: ChannelStore, most: int, key: str, failures: Counter[str]) -> None:
        """key: by which browsers know this process; failures: where what it cannot push to is counted."""
        self._store, self._most, self._key, self._failures = store, most, key, failures
        self._bus: Bus | None = None
        self._one_word = asyncio.Lock()  # so that what came later is not undone by what was said before
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

    def share(self, bus: Bus) -> None:
        """From now on other processes are told."""
        self._bus = bus

    async def add(self, one: Subscription, key: str = "") -> None:
        """key: that the browser was given; empty: this process's own. Raises BadInputError when they are too many."""
        if one.endpoint not in self._by_endpoint and len(self) >= self._most:
            raise BadInputError("subscriptions", f"{len(self)}", f"no more than {self._most}")
        async with self._one_word:
            await self._tell(_Word(one.endpoint, one, key or self._key))
            await self._keep(one)

    async def remove(self, *endpoints: str) -> None:
        async with self._one_word:
            for endpoint in endpoints:
                await self._tell(_Word(endpoint, None, self._key))
            await self._forget(*endpoints)

    async def follow(self, bus: Bus) -> None:
        """Take over what any process was told, from the beginning on, until cancelled."""
        async for message in bus.follow("SUBSCRIBERS"):
            try:
                word = msgspec.msgpack.decode(message.data, type=_Word)
            except msgspec.DecodeError as error:  # of another version: no reason to stop what is to come
                log.error("subscription not read", sequence=message.sequence, reason=str(error))
                continue
            async with self._one_word:
                await self._take(word)

    async def _take(self, word: _Word) -> None:
        if word.wanted is None:
            if word.endpoint in self._by_endpoint:
                await self._forget(word.endpoint)
            return
        if word.key != self._key:
            self._failures["other_key"] += 1
            log.error("a browser knows another key: give every gateway the same web_push key", key=word.key)
        if self._by_endpoint.get(word.endpoint) != word.wanted:
            await self._keep(word.wanted)

    async def _tell(self, word: _Word) -> None:
        if self._bus is not None:
            subject = f"{SUBSCRIBER}.{hashlib.sha256(word.endpoint.encode()).hexdigest()}"
            # By chance: who asks, leaves and asks again within the bus's memory of identities is heard each time.
            await self._bus.publish(subject, msgspec.msgpack.encode(word), secrets.token_hex(16))

    async def _keep(self, one: Subscription) -> None:
        await asyncio.to_thread(self._store.subscribe, one)
        self._leave(one.endpoint)
        self._enter(one)

    async def _forget(self, *endpoints: str) -> None:
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
