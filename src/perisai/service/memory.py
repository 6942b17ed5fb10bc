"""The memory of a process that runs for months."""

import ctypes

HEAPS = 2
_M_ARENA_MAX = -8


def few_heaps() -> None:
    """Threads share HEAPS heaps; call before the work begins. Nothing happens where the C library is not glibc.

    Else each of a dozen threads has one of its own (mallopt(3), M_ARENA_MAX), and as a stage's work wanders between
    threads, each heap comes to hold, mostly free, the most that any stage ever needed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, HEAPS)
