"""No serious violation of WCAG 2.2 AA on each page and theme, by axe."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from conftest import area_row

AXE = Path(__file__).parents[2] / "console/node_modules/axe-core/axe.min.js"
RUN = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"


def violations(page: Page) -> list[str]:
    """Serious and critical ones, each with its rule and first element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN)["violations"]
    return [
        f"{rule['id']}: {rule['nodes'][0]['html'][:120]} ({rule['nodes'][0].get('failureSummary', '')[:200]})"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["day", "night"])
def test_operator(operator: Page, theme: str) -> None:
    operator.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    operator.reload()
    operator.wait_for_function("window.__perisai?.tracks.length > 0", timeout=120_000)
    assert violations(operator) == []
    operator.get_by_role("group", name="Tracks").get_by_role("button").first.click()
    operator.get_by_role("button", name="Layers").click()
    assert violations(operator) == []
    operator.keyboard.press("?")
    assert violations(operator) == []


@pytest.mark.parametrize("theme", ["day", "night"])
def test_desk_and_orders(operator: Page, theme: str) -> None:
    operator.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    operator.reload()
    operator.get_by_role("button", name="Sign in").click()
    assert violations(operator) == []
    operator.get_by_role("dialog").get_by_role("button", name="operator").first.click()
    operator.wait_for_function("window.__perisai.alerts.length > 0", timeout=120_000)
    area_row(operator).click()
    operator.get_by_role("group", name="Orders").get_by_role("button", name="Cancel").click()
    operator.get_by_role("button", name="Alert by hand").click()
    assert violations(operator) == []
    operator.get_by_role("button", name="Desk").click()
    assert violations(operator) == []


@pytest.mark.parametrize("theme", ["day", "night"])
def test_report(operator: Page, theme: str) -> None:
    operator.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    operator.goto("/report.html")
    operator.get_by_role("heading", name="Night report").wait_for()
    assert operator.evaluate("document.documentElement.dataset.theme") == theme
    operator.wait_for_timeout(500)
    assert violations(operator) == []


@pytest.mark.parametrize("theme", ["day", "night"])
def test_citizen(context: BrowserContext, theme: str) -> None:
    page = context.new_page()
    page.goto("/citizen")
    page.evaluate("(theme) => localStorage.setItem('perisai.theme', theme)", theme)
    page.reload()
    assert violations(page) == []
    page.get_by_label("Town or community").fill("Kyiv")
    page.get_by_role("listitem").get_by_role("button").first.click()
    page.get_by_role("heading", name="What to do").wait_for()
    assert violations(page) == []
