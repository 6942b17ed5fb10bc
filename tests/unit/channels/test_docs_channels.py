"""Every example in docs/channels runs as written, against a running centre; only the ports are free ones."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from channels_house import centre, some_tracks, until
from channels_support import SECRET, START_US, an_alert, messages, squares
from ports import free_port

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.cat062_settings import Cat062Settings
from perisai.channels.cot_settings import CotSettings
from perisai.channels.mqtt_messages import MqttSettings
from perisai.channels.web_push import WebPushSettings
from perisai.channels.webhook import Webhook

DOCS = Path(__file__).parents[3] / "docs" / "channels"
EXAMPLE = re.compile(r"```python\n(.*?)```\n<!-- prints: (.*?) -->", re.DOTALL)
AREAS = squares()


def test_every_page_has_an_example_and_is_listed():
    pages = sorted(path.name for path in DOCS.glob("*.md") if path.name != "README.md")
    assert [name for name in pages if f"({name})" not in (DOCS / "README.md").read_text()] == []
    assert [name for name in pages if not EXAMPLE.search((DOCS / name).read_text())] == []


async def _run(program: str, ports: dict[str, int], wanted: str) -> None:
    """Runs a program until it has printed what the page says, and ends it."""
    for port, ours in ports.items():
        program = re.sub(rf"(?<!\d){port}(?!\d)", str(ours), program)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said = ""
    assert process.stdout
    assert process.stderr
    try:
        async with asyncio.timeout(60):
            while wanted not in said:
                line = await process.stdout.readline()
                assert line, (said, (await process.stderr.read()).decode())
                said += line.decode()
    except TimeoutError:
        pytest.fail(f"{wanted!r} was not printed, only {said!r}")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.oracle
async def test_every_example_prints_what_the_page_says(tmp_path):
    hook_port, udp_port = free_port(), free_port()
    channel = (
        MqttSettings(port=0, embedded=True),
        CotSettings(url="tcp+listen://127.0.0.1:0", period_s=0.2),
        Cat062Settings(url=f"udp://127.0.0.1:{udp_port}", period_s=0.2),
        WebPushSettings(private_endpoints=True),
        Webhook(url=f"http://127.0.0.1:{hook_port}/alerts", secret=SECRET, areas=("A1",)),
    )
    examples = [match.groups() for path in sorted(DOCS.glob("*.md")) for match in EXAMPLE.finditer(path.read_text())]
    assert len(examples) == 9
    async with centre(tmp_path, AREAS, *channel, now_us=START_US) as house:
        await until(lambda: house.outlet("cot").connected and house.outlet("mqtt").connected)
        ports = {
            "8460": int(house.url.rsplit(":", 1)[1]),
            "1883": int(house.outlet("mqtt").address.rsplit(":", 1)[1]),
            "8087": int(house.outlet("cot").address.rsplit(":", 1)[1]),
            "8662": udp_port,
            "9000": hook_port,
        }
        alert, writer = an_alert("A1"), CapWriter(AREAS, CapSettings())
        await house.change(alert, START_US)
        await house.say(messages(AREAS, alert, writer=writer))
        await until(lambda: house.outlet("cap_feed").message(alert.identifier))
        showing = asyncio.create_task(_show(house))
        await asyncio.gather(*(_run(program, ports, wanted) for program, wanted in examples))
        showing.cancel()


async def _show(house) -> None:
    """Tracks pass as in a raid."""
    for n in range(1, 600):
        await house.show(some_tracks(START_US + n * 1000, 1, 2), START_US + n * 1000)
        await asyncio.sleep(0.1)
