"""The memory of a process that runs for months: few heaps, and what is free in them goes back to the machine."""

import asyncio
import ctypes

import pyarrow as pa

HEAPS = 2
EVERY_S = 60.0
_M_ARENA_MAX = -8


def few_heaps() -> None:
    """Threads share HEAPS heaps; call before the work begins. Nothing happens where the C library is not glibc.

    Else each of a dozen threads has one of its own (mallopt(3), M_ARENA_MAX), and as a stage's work wanders between
    threads, each heap comes to hold, mostly free, the most that any stage ever needed.
    """
    _call("mallopt", _M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """Give pages that are free back, also from between those in use (malloc_trim(3)), and what Arrow keeps."""
    pa.default_memory_pool().release_unused()
    _call("malloc_trim", 0)


async def keep_small() -> None:
    """Do so now and then, until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        await asyncio.to_thread(give_back)


def _call(name: str, *arguments: int) -> None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return
    function(*arguments)
