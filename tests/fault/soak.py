"""Raid after raid with kills, until so many kills or minutes: `make soak-kill KILLS=1000 MINUTES=120`.

Each raid that went as the undisturbed one is a line in a record file, so that a run may be stopped at any time and goes
on from there; a raid that did not ends the run, and is not in it.
"""

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from test_kill import SEED, raid

KILLS_A_RAID = 10
START_S = 5.0
"""From start to healthy after a kill, of the processor: on the wall it is the machine's, which others load."""
RECORD = Path("artefacts/soak-kill.jsonl")


class Raid(msgspec.Struct, frozen=True):
    """One raid. commit: of the sources. began_s, worked_s: each start after a kill to healthy, on the wall and of the
    processor."""

    kills: int
    seed: int
    commit: str
    began_s: list[float]
    worked_s: list[float]


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    deadline = time.monotonic() + 60 * float(sys.argv[2] if len(sys.argv) > 2 else 120)
    record = Path(sys.argv[3]) if len(sys.argv) > 3 else RECORD
    raids = msgspec.json.Decoder(Raid).decode_lines(record.read_bytes()) if record.exists() else []
    if raids:
        print(f"going on from {record}: {_told(raids)}", flush=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    while (left := kills - sum(one.kills for one in raids)) > 0 and time.monotonic() < deadline:
        number, seed = min(KILLS_A_RAID, left), SEED + len(raids)
        directory = Path(tempfile.mkdtemp(prefix="perisai-raid-"))
        began, worked = raid(directory, number, random.Random(seed))
        shutil.rmtree(directory)  # it is left where a raid went otherwise, to be looked at
        raids.append(Raid(number, seed, _commit(), began, worked))
        with record.open("ab") as file:
            file.write(msgspec.json.encode(raids[-1]) + b"\n")
        print(_told(raids), flush=True)
    if any(seconds >= START_S for one in raids for seconds in one.worked_s):
        raise SystemExit(f"a start took {START_S:g} s of the processor or more")


def _told(raids: list[Raid]) -> str:
    began = [seconds for one in raids for seconds in one.began_s]
    worked = [seconds for one in raids for seconds in one.worked_s]
    within = sum(seconds < START_S for seconds in began) / len(began)
    return (
        f"{sum(one.kills for one in raids)} kills, {len(raids)} raids, {len({one.commit for one in raids})} commits, "
        f"all as undisturbed; start to healthy: median {statistics.median(began):.1f} s, longest {max(began):.1f} s, "
        f"{within:.0%} within {START_S:g} s, "
        f"processor time median {statistics.median(worked):.1f} s, longest {max(worked):.1f} s"
    )


def _commit() -> str:
    """The sources' commit, `+` behind it where they differ; empty without git."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


if __name__ == "__main__":
    main()
