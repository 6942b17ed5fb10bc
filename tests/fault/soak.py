"""Raid after raid with kills, until so many kills or minutes: `make soak KILLS=1000 MINUTES=120`."""

import random
import sys
import tempfile
import time
from pathlib import Path

from test_kill import SEED, raid

KILLS_A_RAID = 10


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    deadline = time.monotonic() + 60 * float(sys.argv[2] if len(sys.argv) > 2 else 120)
    chance, done, began = random.Random(SEED), 0, []
    while done < kills and time.monotonic() < deadline:
        with tempfile.TemporaryDirectory() as directory:
            began += raid(Path(directory), min(KILLS_A_RAID, kills - done), chance)
        done += min(KILLS_A_RAID, kills - done)
        ordered = sorted(began)
        half, most = ordered[len(ordered) // 2], ordered[-1]
        print(
            f"{done} kills, all as undisturbed; start to healthy: median {half:.1f} s, longest {most:.1f} s", flush=True
        )


if __name__ == "__main__":
    main()
