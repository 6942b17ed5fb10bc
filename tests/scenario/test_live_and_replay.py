"""The live demo as a person runs it: it records, ends on Ctrl-C, leaves no process, and its recording replays alike."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from perisai.recording import Recording, read_table

NIGHT = "2023-06-20"
PATIENCE_S = 240.0


def _say_until(process: subprocess.Popen[str], pattern: str) -> str:
    deadline = time.monotonic() + PATIENCE_S
    assert process.stderr is not None
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        if match := re.search(pattern, line):
            return match[1]
        if not line and process.poll() is not None:
            break
    pytest.fail(f"the demo never said {pattern}")


def _until(question, what: str):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.5)
    pytest.fail(f"never seen: {what}")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_what_the_demo_recorded_replays_to_the_same_alerts(tmp_path):
    command = [sys.executable, "-m", "perisai.cli"]
    demo = subprocess.Popen(
        [*command, "demo", "--night", NIGHT, "--speed", "90", "--port", "0", "--data", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = _say_until(demo, r"console: (http://127\.0\.0\.1:\d+/)")
        with httpx.Client(base_url=address, timeout=20) as client:
            assert client.get("/api/v1/state").json()["mode"] == "exercise"
            alarms = _until(
                lambda: [a for a in client.get("/api/v1/alerts").json() if a["level"] == "alarm"], "an alarm"
            )
            code = alarms[0]["area"]
            assert client.get(f"/api/v1/areas/{code}/timeline").json()["alerts"]
            assert client.get(f"/api/v1/public/areas/{code}").json()["mode"] == "exercise"
            tracks = client.get("/api/v1/tracks.geojson").json()["features"]
            assert tracks
            track = tracks[0]["properties"]["track"]
            assert client.get(f"/api/v1/tracks/{track}/history").status_code in (200, 404)
        children = _children(demo.pid)
        assert children, "the nats-server is a child"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
        for pid in children:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
    finally:
        demo.kill()
        demo.wait()

    (recording,) = tmp_path.glob("recording-*")
    live = read_table(recording / "alerts.parquet", "alerts")
    assert {row["level"] for row in live.to_pylist()} >= {"alarm"}
    held = Recording(recording)
    assert held.table("detections").num_rows == sum(frame.table.num_rows for frame in held.frames()) > 0
    messages = [path.read_text() for path in (recording / "cap").glob("*.xml")]
    assert len(messages) >= live.num_rows
    assert all("<status>Exercise</status>" in message for message in messages)

    done = subprocess.run([*command, "replay", str(recording), "--json"], capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)
    assert said["identical"], said
    assert said["same_rows"] == said["alerts_live"] == live.num_rows > 0
    assert done.returncode == 0
