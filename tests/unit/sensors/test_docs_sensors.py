"""The pages of docs/sensors: each page's settings are valid, and its example runs against the input they describe."""

import asyncio
import re
import socket
import sys
from pathlib import Path

import pytest
import uvicorn
from ingest_support import Store, until
from litestar import Litestar
from litestar.datastructures import State

from perisai.model import BadInputError, Sensor
from perisai.service.config import parse_config
from perisai.service.http.reports_api import accept_reports
from perisai.service.identity import per_minute
from perisai.service.ingest.device_keys import DeviceKeys
from perisai.service.ingest.http_reports import HttpReports
from perisai.service.ingest.inputs import Inputs

DOCS = Path(__file__).parents[3] / "docs/sensors"
PAGES = ("sapient", "asterix", "modes", "remote-id", "reports")
SENSORS = [
    Sensor(id="radar-north", kind="radar3d", lat=50.4, lon=30.5),
    Sensor(id="adsb", kind="modes", lat=50.4, lon=30.5),
    Sensor(id="roof", kind="remote_id", lat=50.4, lon=30.5),
    Sensor(id="citizens", kind="position", lat=50.4, lon=30.5),
]


def parts(page: str) -> tuple[str, str, str]:
    """Settings, example and what it prints."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```\n<!-- prints: (.*?) -->", text, re.DOTALL)
    assert example is not None
    before = text[: example.start()]
    settings = "\n".join(line[4:] for line in before.splitlines() if line.startswith("    "))
    return settings, example[1], example[2]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


async def run(example: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", example, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode().strip()


@pytest.mark.parametrize("page", [page for page in PAGES if page != "reports"])
async def test_the_example_of_a_page_reaches_the_input_of_the_page(page: str) -> None:
    settings, example, prints = parts(page)
    assert 5 <= len(example.strip().splitlines()) <= 12
    port = re.search(r"127\.0\.0\.1:(\d+)", settings)
    assert port is not None
    chosen = free_port()
    config = parse_config(settings.replace(port[1], chosen), Path("centre/perisai.toml"))
    inputs = Inputs(config.input, SENSORS, Store())  # type: ignore[arg-type]
    inputs.start()
    await asyncio.sleep(0.2)
    try:
        assert prints in await run(example.replace(port[1], chosen))
        (sink,) = inputs.sinks.values()
        await until(lambda: sink.state.messages > 0)
    finally:
        await inputs.stop()
    assert sink.snapshot().state == "live"
    if page in ("asterix", "remote-id"):
        assert sink.state.detections == 1


async def test_the_example_of_a_report_is_taken() -> None:
    settings, example, prints = parts("reports")
    assert parse_config(settings, Path("centre/perisai.toml")).input[0].kind == "reports"
    store = Store()
    reports = HttpReports(SENSORS, "citizens", store)  # type: ignore[arg-type]
    state = State({"reports": reports, "report_rate": per_minute(600), "device_keys": DeviceKeys({})})
    port = int(free_port())
    server = uvicorn.Server(uvicorn.Config(Litestar([accept_reports], state=state), port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        assert await run(example.replace("8460", str(port))) == prints
    finally:
        server.should_exit = True
        await serving
    assert store.table.num_rows == 1


@pytest.mark.parametrize(
    ("change", "line", "named"),
    [
        ('listen = "127.0.0.1:x"', 4, "listen"),
        ('connect = "127.0.0.1:30005"', 3, "kind"),
        ('listen = "127.0.0.1:8600"\nsilent_s = 0', 5, "silent_s"),
        ('listen = "127.0.0.1:8600"\nlistne = 1', 5, "listne"),
    ],
)
def test_a_fault_in_an_input_is_told_with_its_line(change: str, line: int, named: str) -> None:
    good = '[[input]]\nname = "a"\nkind = "asterix"\n'
    for before in ("", good + 'listen = "127.0.0.1:1"\n'):
        text = before + good.replace('"a"', '"b"') + change
        with pytest.raises(BadInputError, match=f"line {line + before.count(chr(10))}:.*{named}"):
            parse_config(text, Path("centre/perisai.toml"))


def test_two_inputs_of_one_name_are_told() -> None:
    one = '[[input]]\nname = "a"\nkind = "asterix"\nlisten = "127.0.0.1:1"\n'
    with pytest.raises(BadInputError, match=r"line 6: input\.1\.name"):
        parse_config(one + one, Path("centre/perisai.toml"))
