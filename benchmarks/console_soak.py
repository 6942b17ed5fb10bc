"""Thirty simulated minutes of a console with 2,000 tracks and alarms in all 1,765 areas: does its memory stay flat?

    .venv/bin/python benchmarks/console_soak.py [--json benchmarks/console_soak.json]

The time runs ten times as fast. Memory is the page's heap with its buffers after a collection; what is kept to rewind
fills its 64 MB in the first twelve minutes, so flat means: from minute 15 on within 10 %. Exit code 1 when it is not.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from console import FLAGS, TRACKS_SHOWN, Server
from playwright.sync_api import CDPSession, Page, sync_playwright

HERTZ = 10.0
MINUTES = range(3, 31, 3)
FLAT_FROM_MIN = 15
FLAT = 0.10
START = "window.__perisai.newest_us"


def sample(page: Page, session: CDPSession) -> dict[str, float]:
    """Megabytes held after a collection, and elements in the page."""
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    held = usage["usedSize"] + usage.get("embedderHeapUsedSize", 0) + usage.get("backingStorageSize", 0)
    return {"megabytes": round(held / 1e6, 1), "elements": page.evaluate("document.querySelectorAll('*').length")}


def use(page: Page, minute: int) -> None:
    """What an operator does: looks at things, goes back a little, comes back."""
    page.keyboard.press("n")
    page.keyboard.press("s" if minute % 2 else "l")
    page.keyboard.press(" ")
    page.wait_for_timeout(200)
    page.keyboard.press("e")
    page.keyboard.press("Escape")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    server = Server(TRACKS_SHOWN, HERTZ)
    rows: list[dict[str, Any]] = []
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            page = chromium.new_page(viewport={"width": 1366, "height": 768}, bypass_csp=True)
            page.goto(server.url)
            page.wait_for_function("window.__perisai?.version > 1", timeout=60_000)
            session = page.context.new_cdp_session(page)
            start = page.evaluate(START)
            for minute in MINUTES:
                due = start + minute * 60e6
                page.wait_for_function("(due) => window.__perisai.newest_us >= due", arg=due, timeout=600_000)
                use(page, minute)
                rows.append({"minute": minute} | sample(page, session))
                print(rows[-1], flush=True)
            chromium.close()
    finally:
        server.stop()
    late = [row["megabytes"] for row in rows if row["minute"] >= FLAT_FROM_MIN]
    growth = max(late) / min(late) - 1
    result = {"samples": rows, "spread_from_minute_15": round(growth, 3), "flat": growth <= FLAT}
    print(json.dumps(result))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if result["flat"] else 1


if __name__ == "__main__":
    sys.exit(main())
