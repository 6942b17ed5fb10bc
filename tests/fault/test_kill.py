"""kill -9 of the centre or of its bus in the middle of a raid: nothing accepted is lost, doubled or changed."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from centre import undisturbed

from perisai.recording import Recording, read_table
from perisai.service.warm import warming

KILLS, SPEED, PATIENCE_S = 4, 40, 150.0
AS_INSTALLED = Path(__file__).with_name("as_installed")
SEED = 20260714


class Centre:
    """`centre.py` as a process that is started again after each kill."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.began: list[float] = []
        self.worked: list[float] = []
        self.start()

    def start(self) -> None:
        began = time.monotonic()
        env = os.environ | {
            "PYTHONPATH": str(AS_INSTALLED),
            # What pip installs is compiled to bytecode; here the first start does so.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self.directory / "bytecode"),
        }
        with self.log.open("ab") as log:
            command = [sys.executable, str(Path(__file__).with_name("centre.py")), str(self.directory), str(SPEED)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http"), self.log.read_text()[-3000:]
        self._until(self.healthy)
        self.began.append(time.monotonic() - began)
        self.worked.append(self._processor_s())

    def _processor_s(self) -> float:
        """Processor time of the centre so far: what its start takes on a machine that does nothing else."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def healthy(self) -> bool:
        try:
            return httpx.get(self.address + "api/v1/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def caught_up(self) -> bool:
        """Whether the picture has all that was played: on a loaded machine that may take longer than a stop waits."""
        try:
            return httpx.get(self.address + "api/v1/health", timeout=5).json()["lag_s"] == 0.0
        except httpx.HTTPError:
            return False

    def _until(self, what) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def kill(self, which: str) -> None:
        if which == "bus":
            self._until(self.bus_killed)
            return
        self.process.kill()
        self.process.wait()
        self.start()

    def bus_killed(self) -> bool:
        """Kill the bus; False while it is not there, being started again after the kill before."""
        try:
            os.kill(int((self.directory / "data/nats/nats.pid").read_text()), signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError, ValueError):
            return False
        return True

    def finish(self) -> None:
        self._until(lambda: "played to the end" in self.log.read_text())
        self._until(self.caught_up)
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0, self.log.read_text()[-3000:]


def raid(directory: Path, kills: int, chance: random.Random) -> tuple[list[float], list[float]]:
    """One raid with so many kills, held against the undisturbed one; returns seconds from each start after a kill to
    healthy, on the wall and of the processor. The first start compiles the bytecode and is not among them."""
    with warming(print):
        pass
    centre = Centre(directory)
    try:
        for number in range(kills):
            time.sleep(chance.uniform(0.2, 2.5))
            centre.kill(("centre", "bus")[number % 2])
        centre.finish()
    finally:
        centre.process.kill()
        centre.process.wait()

    detections, tracks, alerts = undisturbed(directory / "undisturbed")
    held = Recording(directory / "data")
    assert held.table("detections").equals(detections), "what was acknowledged is recorded, once, in order"
    assert held.table("tracks").equals(tracks), "the same tracks under the same numbers"
    assert alerts.num_rows > alerts["end"].null_count > 0, "some have ended and some are active"
    assert read_table(directory / "data/alerts.parquet", "alerts").equals(alerts)
    messages = list((directory / "data/cap").glob("*.xml"))
    assert len({re.sub(r"\.\d+$", "", path.stem) for path in messages}) == alerts.num_rows
    return centre.began[1:], centre.worked[1:]


@pytest.mark.timeout(600)
def test_kills_in_the_middle_of_a_raid_change_nothing(tmp_path):
    began, worked = raid(tmp_path, KILLS, random.Random(SEED))
    print("seconds from start to healthy:", [round(seconds, 1) for seconds in began])
    print("seconds of processor time of that:", [round(seconds, 1) for seconds in worked])  # judged by soak.py
