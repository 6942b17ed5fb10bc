"""The console under load: frame time with 2,000 tracks beside an empty map, first paint, and what 50 consoles cost.

    .venv/bin/python benchmarks/console.py [--json benchmarks/console.json]

The service's own gateway, picture and pages serve made-up tracks over Ukraine's 1,765 communities at 1 Hz, in a process
of its own; Chromium draws on the software renderer. Both maps are measured in one run, in turn: with ticks at 1 Hz and
the map left alone, and while it is dragged about without a pause. `--serve` is the server's own process.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from playwright.sync_api import Browser, Page, sync_playwright

TRACKS_SHOWN = 2000
CONSOLES = 50
T0_US = 1_757_203_200_000_000
MEASURED_S, ROUNDS, PAINTS = 6.0, 4, 4
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Pages are opened past their content policy: what waits for them evaluates strings.
FLAGS += ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
DRAG = """([seconds, dragged]) => new Promise((done) => {
  const canvas = document.querySelector('.maplibregl-canvas');
  const at = (kind, where, x, y) => where.dispatchEvent(new MouseEvent(kind, {bubbles: true, clientX: x, clientY: y, button: 0, buttons: kind === 'mouseup' ? 0 : 1}));
  const box = canvas.getBoundingClientRect(), x0 = box.x + box.width / 2, y0 = box.y + box.height / 2;
  const frames = []; let last = performance.now(); const start = last;
  if (dragged) at('mousedown', canvas, x0, y0);
  const step = (now) => {
    frames.push(now - last); last = now;
    const turn = (now - start) / 700;
    if (dragged) at('mousemove', document, x0 + 90 * Math.sin(turn), y0 + 60 * Math.cos(turn));
    if (now - start < seconds * 1000) requestAnimationFrame(step);
    else { if (dragged) at('mouseup', document, x0, y0); done(frames.slice(1)); }
  };
  requestAnimationFrame(step);
})"""  # noqa: E501


def made_up(count: int, tick: int) -> pa.Table:
    """`count` tracks over the region, all of them moved since the last tick."""
    from perisai.model import TIME, TRACKS

    numbers = np.arange(count)
    at = pa.array(np.full(count, T0_US + tick * 1_000_000)).cast(TIME)
    lat, lon = 46 + numbers * 0.618 % 5.5 + tick * 4e-4, 24 + numbers * 1.618 % 14 + tick * 3e-4
    values: dict[str, Any] = {"time": at, "issued": at, "track": pa.array(numbers)}
    values |= {"lat": pa.array(lat), "lon": pa.array(lon), "status": pa.array(["confirmed"] * count)}
    fixed = {"alt_m": 900.0, "ve_mps": 30.0, "vn_mps": 44.0, "p_ee": 4e5, "p_en": 0.0, "p_nn": 4e5, "existence": 0.99}
    fixed |= {"p_drone": 0.9, "p_cruise": 0.05, "p_aircraft": 0.05}
    values |= {name: pa.array(np.full(count, value)) for name, value in fixed.items()}
    return pa.table({n: values.get(n, pa.nulls(count, TRACKS.field(n).type)) for n in TRACKS.names}).cast(TRACKS)


def alarms(codes: Sequence[str], spans: dict[str, int], tick: int) -> list[Any]:
    """All areas alarmed at the start, then ten that end and ten that begin every second."""
    from perisai.model import Alert, AlertChange

    def change(code: str, span: int, ended: bool) -> AlertChange:
        start = T0_US + span * 1_000_000
        alert = Alert(
            identifier=f"{code}.{span}", area=code, level="alarm", threat="drone", start_us=start,
            end_us=T0_US + tick * 1_000_000 if ended else None, eta_s=600.0, probability=0.8, tracks=(1,),
            reason="A drone may reach this area in about 10 min (probability 80 %).",
        )  # fmt: skip
        return AlertChange("ended" if ended else "raised", alert, T0_US + tick * 1_000_000)

    if tick == 0:
        spans.update(dict.fromkeys(codes, 0))
        return [change(code, 0, False) for code in codes]
    moved = [codes[(10 * tick + k) % len(codes)] for k in range(10)]
    ended = [change(code, spans[code], True) for code in moved]
    spans.update(dict.fromkeys(moved, tick))
    return ended + [change(code, tick, False) for code in moved]


async def serve(port: int, tracks: int, hertz: float) -> None:
    """The pages and the live socket over a made-up picture, until killed."""
    import uvicorn
    from litestar import Litestar
    from litestar.datastructures import State

    from perisai.service import package_data
    from perisai.service.config import Config
    from perisai.service.files import read_areas
    from perisai.service.http.app import HEADERS, live
    from perisai.service.http.ground import Ground
    from perisai.service.http.pages import pages_router
    from perisai.service.http.picture_api import PictureController
    from perisai.service.identity.settings import IdentitySettings
    from perisai.service.picture import Picture
    from perisai.service.roles import gateway as role

    role.TICK_S = 1.0 / hertz
    gateway = role.Gateway(None, Picture("exercise", []))  # pyright: ignore[reportArgumentType]
    ground = Ground(read_areas(package_data.COMMUNITIES), Path(package_data.OBLASTS), Path(package_data.BASEMAP))
    state = {"gateway": gateway, "ground": ground, "sensors": [], "config": Config(identity=IdentitySettings(False))}
    app = Litestar(
        [live, PictureController, pages_router(package_data.CONSOLE)],
        state=State(state),
        response_headers=HEADERS,
        logging_config=None,
    )
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))

    async def feed() -> None:
        tick, spans = 0, dict[str, int]()
        while True:
            gateway.picture.take_tracks(made_up(tracks, tick), T0_US + tick * 1_000_000)
            for change in alarms(ground.areas.code, spans, tick) if tracks else ():
                gateway.picture.take_change(change)
            tick += 1
            await asyncio.sleep(1.0 / hertz)

    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        group.create_task(gateway._tick())  # pyright: ignore[reportPrivateUsage]
        group.create_task(server.serve())


class Server:
    """`serve` in a child process."""

    def __init__(self, tracks: int, hertz: float = 1.0) -> None:
        """hertz: simulated seconds, each with a tick, that pass in a second."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [sys.executable, __file__, "--serve", str(self.port), "--tracks", str(tracks), "--hertz", str(hertz)]
        self.process = subprocess.Popen(command)
        self.url = f"http://127.0.0.1:{self.port}"
        for _ in range(300):
            time.sleep(0.3)
            try:
                urllib.request.urlopen(f"{self.url}/api/v1/areas.geojson", timeout=20).read()
                return
            except OSError:
                continue
        raise RuntimeError("the server did not come up")

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def halt(self, still: bool) -> None:
        """Stands still, or goes on."""
        self.process.send_signal(signal.SIGSTOP if still else signal.SIGCONT)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def look(chromium: Browser, server: Server) -> Page:
    """The operator's page with its map drawn and at rest."""
    page = chromium.new_page(viewport={"width": 1366, "height": 768}, bypass_csp=True)
    page.goto(server.url)
    page.wait_for_function("window.__perisai?.version > 1 && window.__perisai.drawn_ms", timeout=120_000)
    page.wait_for_timeout(5000)
    return page


def frames(full: Server, empty: Server) -> dict[str, Any]:
    """Frame times of both maps in short turns, so that what else the machine does meets both alike.

    The server of the map that is not measured stands still meanwhile: a page in the background costs nothing.
    """
    taken: dict[str, list[list[float]]] = {
        f"{name}, {how}": [] for how in ("at 1 Hz", "dragged") for name in ("full", "empty")
    }
    servers = {"full": full, "empty": empty}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        pages = {name: look(chromium, server) for name, server in servers.items()}
        for _ in range(ROUNDS):
            for name, page in pages.items():
                servers["empty" if name == "full" else "full"].halt(True)
                servers[name].halt(False)
                page.bring_to_front()
                page.wait_for_timeout(3000)
                for how in ("at 1 Hz", "dragged"):
                    taken[f"{name}, {how}"].append(page.evaluate(DRAG, [MEASURED_S, how == "dragged"]))
        chromium.close()
    full.halt(False)
    empty.halt(False)
    return {"frames": {name: figures(rounds) for name, rounds in taken.items()} | {
        f"mean frame time of full to empty, {how}": ratio(taken[f"full, {how}"], taken[f"empty, {how}"])
        for how in ("at 1 Hz", "dragged")
    }}  # fmt: skip


def figures(rounds: list[list[float]]) -> dict[str, float]:
    times = [time_ms for times_ms in rounds for time_ms in times_ms]
    return {
        "mean_ms": round(statistics.mean(times), 1),
        "p95_ms": round(float(np.percentile(times, 95)), 1),
        "frames_a_second": round(1000 / statistics.mean(times), 1),
    }


def ratio(full: list[list[float]], empty: list[list[float]]) -> dict[str, Any]:
    """Of each round, and of all frames together."""
    rounds = [statistics.mean(one) / statistics.mean(other) for one, other in zip(full, empty, strict=True)]
    whole = float(np.mean(np.concatenate(full)) / np.mean(np.concatenate(empty)))
    return {"rounds": [round(value, 3) for value in rounds], "all": round(whole, 3)}


def first_paint(server: Server) -> dict[str, Any]:
    """Seconds until the operator's lists, and his map, show the picture; in turn with a page of one word.

    The page of one word says what the machine and the browser cost at that moment.
    """
    blank = f"{server.url}/favicon.svg"
    taken: dict[str, list[float]] = {"one_word": [], "lists": [], "map": []}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for _ in range(PAINTS):
            page = chromium.new_page(viewport={"width": 1366, "height": 768}, bypass_csp=True)
            page.goto(blank)
            taken["one_word"].append(page.evaluate("performance.now()") / 1000)
            page.close()
            page = chromium.new_page(viewport={"width": 1366, "height": 768}, bypass_csp=True)
            page.goto(server.url, wait_until="commit")
            page.wait_for_function("window.__perisai?.drawn_ms", timeout=120_000)
            taken["lists"].append(page.evaluate("window.__perisai.listed_ms") / 1000)
            taken["map"].append(page.evaluate("window.__perisai.drawn_ms") / 1000)
            page.close()
        chromium.close()
    return {f"{name}_s": [round(value, 2) for value in values] for name, values in taken.items()}


async def listen(server: Server, seconds: float) -> dict[str, Any]:
    """50 consoles that take every tick."""
    from websockets.asyncio.client import connect

    counts = {"messages": 0, "bytes": 0}

    async def one() -> None:
        async with connect(f"ws://127.0.0.1:{server.port}/api/v1/live", max_size=None, compression=None) as line:
            while True:
                size = len(await line.recv())
                counts["bytes"] += size
                counts["messages"] += 1

    tasks = [asyncio.create_task(one()) for _ in range(CONSOLES)]
    await asyncio.sleep(4.0)
    counts.update(messages=0, bytes=0)
    cpu, at = server.cpu_s(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, wall = server.cpu_s() - cpu, time.monotonic() - at
    for task in tasks:
        task.cancel()
    rate = counts["messages"] / wall / CONSOLES
    return {"consoles": CONSOLES, "service_cores": round(cpu / wall, 3), "ticks_a_second_each": round(rate, 2),
            "bytes_a_tick": counts["bytes"] // max(1, counts["messages"])}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", type=int)
    parser.add_argument("--tracks", type=int, default=TRACKS_SHOWN)
    parser.add_argument("--hertz", type=float, default=1.0)
    parser.add_argument("--consoles", action="store_true", help="measure the cost of 50 consoles only")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve, given.tracks, given.hertz))
        return
    full, empty = Server(TRACKS_SHOWN), Server(0)
    try:
        result = {"tracks": TRACKS_SHOWN, "areas": 1765, "load_before": round(os.getloadavg()[0], 1)}
        result["fifty_consoles"] = asyncio.run(listen(full, 20.0))
        if not given.consoles:
            result |= frames(full, empty)
            result["first_paint"] = first_paint(full)
    finally:
        full.stop()
        empty.stop()
    print(text := json.dumps(result, indent=2))
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
