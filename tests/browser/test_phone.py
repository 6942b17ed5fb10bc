"""The console and its report on a phone: everything within its width, nothing over another."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

PHONE = {"width": 390, "height": 844}
WAIT_MS = 120_000


def _open(browser: Browser, service: str, locale: str, path: str) -> Page:
    page = browser.new_context(viewport=PHONE, locale=locale, base_url=service, bypass_csp=True).new_page()  # pyright: ignore[reportArgumentType]
    page.goto(path)
    return page


def _box(place: Locator) -> tuple[float, float, float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


@pytest.mark.parametrize("locale", ["en-GB", "uk-UA", "id-ID"])
def test_map_lists_and_details_share_a_phone(browser: Browser, service: str, locale: str) -> None:
    page = _open(browser, service, locale, "/")
    page.wait_for_function("window.__perisai?.alerts.length > 0", timeout=WAIT_MS)
    for button in page.get_by_role("button").all():
        if button.is_visible():
            left, _, right, _ = _box(button)
            assert left >= 0
            assert right <= PHONE["width"], button.inner_text()
    lists = page.locator("aside.panel").first
    assert _box(page.locator("main"))[3] <= _box(lists)[1] + 1
    page.keyboard.press("n")
    details = page.locator("aside.panel").last
    expect(details.get_by_role("heading", level=2)).to_have_id("detail-title")
    left, top, right, bottom = _box(details)
    assert (left, right) == pytest.approx(_box(lists)[::2], abs=1)
    assert top >= _box(page.locator("main"))[3] - 1
    assert bottom <= PHONE["height"]
    page.context.close()


def test_the_report_scrolls_down_only(browser: Browser, service: str) -> None:
    page = _open(browser, service, "uk-UA", "/report.html")
    expect(page.get_by_role("table").first).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.context.close()
