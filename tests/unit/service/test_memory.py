"""Many threads share few heaps: what one gave back another uses."""

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


def heaps(which: str) -> int:
    told = subprocess.run([sys.executable, "-c", THREADS, which], capture_output=True, text=True, check=True).stdout
    return len(re.findall(r"<heap nr=", told))


@pytest.mark.skipif(not hasattr(__import__("ctypes").CDLL(None), "malloc_info"), reason="the C library is not glibc")
def test_threads_share_few_heaps():
    assert heaps("as they come") > HEAPS >= heaps("few")
