"""Perisai: one air picture from many sensors, and alerts for exactly the communities in danger."""

import os

# Before Arrow is loaded: its own allocators keep what they took, the C library's gives it back (service/memory.py).
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
