"""Raid after raid with kills, until so many kills or minutes: `make soak KILLS=1000 MINUTES=120`."""

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from test_kill import SEED, raid

KILLS_A_RAID = 10


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    deadline = time.monotonic() + 60 * float(sys.argv[2] if len(sys.argv) > 2 else 120)
    chance, done = random.Random(SEED), 0
    began: list[float] = []
    worked: list[float] = []
    while done < kills and time.monotonic() < deadline:
        with tempfile.TemporaryDirectory() as directory:
            walls, processors = raid(Path(directory), min(KILLS_A_RAID, kills - done), chance)
            began, worked = began + walls, worked + processors
        done += min(KILLS_A_RAID, kills - done)
        ordered = sorted(began)
        half, most = ordered[len(ordered) // 2], ordered[-1]
        print(
            f"{done} kills, all as undisturbed; start to healthy: median {half:.1f} s, longest {most:.1f} s, "
            f"processor time median {statistics.median(worked):.1f} s, longest {max(worked):.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
