"""One of several does the work of a role, the others wait: a lease in the bus's key-value store.

Who holds it renews it; when that stops for `TTL_S` the store forgets it and the next takes it. Two may work for a
moment when a paused holder wakes: harmless, because every message of a role has an identity made from what caused it,
so the same work done twice adds nothing.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import nats.errors
import structlog

from .bus import Bus
from .tasks import end

BUCKET = "perisai-leases"
TTL_S = 2.0
RENEW_S = 0.5
LOST_S = 1.5
"""Without a renewal for so long the holder stops by itself, before the store gives the lease away."""
TRY_S = 0.2
log = structlog.get_logger("lease")


async def work_by_lease(bus: Bus, role: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do a role's work while holding its lease, wait for it while somebody else does; until cancelled.

    What `work` raises is raised, and the lease given back.
    """
    holder = f"{socket.gethostname()}-{secrets.token_hex(4)}".encode()
    store = await bus.bucket(BUCKET, TTL_S)
    while True:
        revision = await _take(store, role, holder)
        log.info("took the lease", role=role)
        task = asyncio.create_task(work(), name=role)
        try:
            await _renew(store, role, holder, revision, task)
        finally:
            await end([task])
        if task.done() and not task.cancelled():
            await store.delete(role)
            task.result()
            return
        log.warning("lost the lease", role=role)


async def _take(store: Any, role: str, holder: bytes) -> int:
    told = False
    while True:
        try:
            return await store.create(role, holder)
        except (nats.errors.Error, TimeoutError):
            if not told:
                log.info("stands by", role=role)
                told = True
            await asyncio.sleep(TRY_S)


async def _renew(store: Any, role: str, holder: bytes, revision: int, task: asyncio.Task[None]) -> None:
    """Return when the work has ended, or the lease is lost."""
    renewed = time.monotonic()
    while not task.done():
        await asyncio.wait([task], timeout=RENEW_S)
        try:
            async with asyncio.timeout(RENEW_S):
                revision = await store.update(role, holder, last=revision)
            renewed = time.monotonic()
        except (nats.errors.Error, TimeoutError):
            if time.monotonic() - renewed > LOST_S:
                return
