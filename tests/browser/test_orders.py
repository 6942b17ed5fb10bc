"""Operators' orders through the console: sign in, hold and release, an alert by hand, and the second operator."""

import re
import time
from collections.abc import Iterator

import feedparser
import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from conftest import LAPTOP, area_row

WAIT_MS = 120_000


@pytest.fixture
def second(browser: Browser, service: str) -> Iterator[Page]:
    """Another operator at another console."""
    context = browser.new_context(viewport=LAPTOP, locale="en-GB", base_url=service, bypass_csp=True)  # pyright: ignore[reportArgumentType]
    page = context.new_page()
    page.goto("/")
    page.wait_for_function("window.__perisai?.areas > 0", timeout=WAIT_MS)
    yield page
    context.close()


def sign_in(page: Page, which: int) -> None:
    """One click with the exercise account of this number."""
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(" · operator")).nth(which).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_who_has_not_signed_in_gives_no_orders(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.alerts.length > 0", timeout=WAIT_MS)
    area_row(operator).click()
    expect(operator.get_by_role("heading", name="Timeline")).to_be_visible()
    assert operator.get_by_role("group", name="Orders").count() == 0
    operator.get_by_role("button", name="Sign in").click()
    operator.get_by_label("Name").fill("nobody")
    operator.get_by_label("Password").fill("wrong password")
    operator.get_by_role("dialog").get_by_role("button", name="Sign in").click()
    expect(operator.get_by_role("dialog").get_by_role("alert")).not_to_be_empty()


def test_an_alert_is_held_and_released(operator: Page) -> None:
    operator.wait_for_function("window.__perisai.alerts.length > 0", timeout=WAIT_MS)
    sign_in(operator, 0)
    area_row(operator).click()
    orders = operator.get_by_role("group", name="Orders")
    orders.get_by_role("button", name="Hold").click()
    expect(operator.get_by_text("Held by an operator until released")).to_be_visible(timeout=20_000)
    orders.get_by_role("button", name="Release").click()
    expect(operator.get_by_text("Held by an operator until released")).to_be_hidden(timeout=20_000)
    orders.get_by_role("button", name="Cancel").click()
    expect(operator.get_by_label("Reason")).to_be_visible()


BESIDE = """() => {
  const form = document.querySelector('form[aria-labelledby="draw-title"]');
  const map = document.querySelector('canvas.maplibregl-canvas');
  return form && map && form.getBoundingClientRect().left >= map.getBoundingClientRect().right;
}"""
"""The form does not cover the map it is drawn on, once the map has taken its new size."""


def test_an_area_drawn_by_hand_is_alerted_when_a_second_operator_agrees(operator: Page, second: Page) -> None:
    sign_in(operator, 0)
    desk = propose(operator, "Test of the drawn alert.")
    expect(desk).to_contain_text("A second operator must confirm it.")
    assert desk.get_by_role("button", name="Confirm").count() == 0

    sign_in(second, 1)
    agree(second)
    by_hand = "window.__perisai.alerts.some((alert) => alert.reason.includes('Test of the drawn alert.'))"
    second.wait_for_function(by_hand, timeout=30_000)
    operator.wait_for_function(by_hand, timeout=30_000)
    expect(desk).not_to_contain_text("Test of the drawn alert.")


def test_an_alert_is_extended_and_its_cancel_agreed_by_two_reaches_the_feed(
    operator: Page, second: Page, service: str
) -> None:
    sign_in(operator, 0)
    propose(operator, "Test of a cancel.", left=640)
    sign_in(second, 1)
    agree(second)
    mine = "window.__perisai.alerts.filter((alert) => alert.reason.includes('Test of a cancel.') && !alert.end_us)"
    operator.wait_for_function(f"{mine}.length > 0", timeout=30_000)
    alert = operator.evaluate(f"{mine}.sort((a, b) => a.area < b.area ? -1 : 1)[0]")
    assert incident(service, alert["area"]) in ("Alert", "Update")

    operator.get_by_label("Search area, number, class").fill(alert["area"])
    operator.get_by_role("group", name="Alerts").get_by_role("button").first.click()
    orders = operator.get_by_role("group", name="Orders")
    orders.get_by_role("button", name="Extend 10 min").click()
    expect(operator.get_by_text("Held by an operator until")).to_be_visible(timeout=20_000)
    orders.get_by_role("button", name="Cancel").click()
    operator.get_by_label("Reason").fill("Called off.")
    operator.get_by_role("button", name="End the alert now").click()
    expect(operator.get_by_role("button", name=re.compile(r"Desk\s*1"))).to_be_visible(timeout=20_000)
    assert incident(service, alert["area"]) in ("Alert", "Update")
    agree(second)
    operator.wait_for_function(f"!{mine}.some((one) => one.area === '{alert['area']}')", timeout=30_000)
    deadline = time.monotonic() + 20
    while incident(service, alert["area"]) != "Cancel" and time.monotonic() < deadline:
        time.sleep(0.5)
    assert incident(service, alert["area"]) == "Cancel"


def propose(page: Page, text: str, left: int = 800) -> Locator:
    """Draw an area on the map, so far from its left edge, and propose an alert of it; the desk with the proposal."""
    page.wait_for_function("window.__perisai.areas > 0 && window.__perisai.settled", timeout=WAIT_MS)
    page.get_by_role("button", name="Alert by hand").click()
    form = page.get_by_role("form", name="Alert by hand")
    expect(form).to_be_visible()
    page.wait_for_function(BESIDE, timeout=WAIT_MS)
    for x, y in ((left, 300), (left + 80, 300), (left + 80, 360), (left, 360)):
        page.mouse.click(x, y)
    expect(form).to_contain_text(re.compile(r"\d+ areas, [\d,]+ residents"), timeout=20_000)
    expect(form).to_contain_text("Needs a second operator")
    form.get_by_label("What people are told").fill(text)
    form.get_by_role("button", name="Propose").click()
    expect(form).to_be_hidden(timeout=20_000)
    page.get_by_role("button", name=re.compile("Desk")).click()
    desk = page.get_by_role("complementary", name="Desk")
    expect(desk).to_contain_text(text, timeout=20_000)
    return desk


def agree(page: Page) -> None:
    """Confirm what waits on the desk."""
    desk = page.get_by_role("complementary", name="Desk")
    if not desk.is_visible():
        page.get_by_role("button", name=re.compile("Desk")).click()
    desk.get_by_role("button", name="Confirm").first.click()


def incident(service: str, area: str) -> str:
    """The kind of the newest CAP message about an area in the public feed."""
    entries = feedparser.parse(f"{service}/cap.atom").entries
    about = [entry for entry in entries if area in httpx.get(entry.links[0].href).text]
    return max(about, key=lambda entry: entry.updated).cap_msgtype if about else ""
