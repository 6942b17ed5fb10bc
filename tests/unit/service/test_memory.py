"""Many threads share few heaps: what one gave back another uses; and what is free goes back to the machine."""

import ctypes
import os
import re
import subprocess
import sys

import pytest

from perisai.service.memory import HEAPS

THREADS = """
import ctypes, sys, threading
import numpy as np
from perisai.service.memory import few_heaps

if sys.argv[1] == "few":
    few_heaps()
together = threading.Barrier(9)

def work():
    held = [np.zeros(1_000) for _ in range(100)]
    together.wait()
    together.wait()

for _ in range(8):
    threading.Thread(target=work).start()
together.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
together.wait()
"""

HOLES = """
from pathlib import Path
from perisai.service.memory import give_back

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

held = [bytes(2_000) for _ in range(100_000)]
full = resident_mb()
held = held[::50]
with_holes = resident_mb()
give_back()
print(full - with_holes, full - resident_mb())
"""
GLIBC = hasattr(ctypes.CDLL(None), "malloc_info")


def heaps(which: str) -> int:
    told = subprocess.run([sys.executable, "-c", THREADS, which], capture_output=True, text=True, check=True).stdout
    return len(re.findall(r"<heap nr=", told))


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_threads_share_few_heaps():
    assert heaps("as they come") > HEAPS >= heaps("few")


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_what_is_free_between_what_is_held_goes_back():
    told = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout
    by_itself_mb, given_back_mb = (float(word) for word in told.split())
    assert by_itself_mb < 100.0 < given_back_mb


def test_an_installed_centre_has_arrow_take_its_memory_from_the_c_library():
    ask = "import perisai.cli, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    env = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    told = subprocess.run([sys.executable, "-c", ask], env=env, capture_output=True, text=True, check=True).stdout
    assert told.strip() == "system"
