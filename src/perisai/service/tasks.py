"""Ending tasks for sure; running two as one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

AGAIN_S = 0.5


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended, whatever they end with.

    Once is not enough: up to Python 3.11 `asyncio.wait_for`, which the NATS client uses, returns what it waited for
    when that comes at the same moment as the cancellation, and the cancellation is lost.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_S)


async def together(*work: Callable[[], Awaitable[None]]) -> None:
    """Run several until cancelled; one that fails ends the others."""

    async def one(do: Callable[[], Awaitable[None]]) -> None:
        await do()

    async with asyncio.TaskGroup() as group:
        for do in work:
            group.create_task(one(do))
