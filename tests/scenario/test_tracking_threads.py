"""The same detections give the same bytes with any number of threads."""

import os
import subprocess
import sys

FOLLOW = """
import hashlib
from perisai.model import table_bytes
from perisai.service.bench.targets import frames, scenario
from perisai.tracking import Tracker
made = scenario("raid", 60, 71)
tracker = Tracker([made.sensor])
digest = hashlib.sha256()
for frame in frames(made):
    digest.update(table_bytes(tracker.step(frame)))
digest.update(tracker.checkpoint())
print(digest.hexdigest())
"""


def test_one_thread_and_two_give_the_same_tracks():
    told = []
    for threads in ("1", "2"):
        names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", FOLLOW],
            env=os.environ | dict.fromkeys(names, threads),
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        told.append(done.stdout)
    assert told[0] == told[1]
    assert len(told[0].strip()) == 64
