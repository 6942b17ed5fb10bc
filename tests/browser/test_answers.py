"""What the service answers an operator is told in the page's language; before a picture came none is told of."""

import re
import time

from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from conftest import LAPTOP


def _open(browser: Browser, service: str, locale: str) -> Page:
    return browser.new_context(viewport=LAPTOP, locale=locale, base_url=service, bypass_csp=True).new_page()  # pyright: ignore[reportArgumentType]


def test_a_refused_sign_in_is_told_in_ukrainian(browser: Browser, service: str) -> None:
    page = _open(browser, service, "uk-UA")
    page.goto("/")
    page.get_by_role("button", name="Увійти").click()
    page.get_by_label("Імʼя").fill("nobody-of-this-name")
    page.get_by_label("Пароль").fill("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("Імʼя або пароль неправильні.")
    page.context.close()


def test_no_picture_is_not_told_as_no_alert(browser: Browser, service: str) -> None:
    page = _open(browser, service, "en-GB")

    def silent(_: WebSocketRoute) -> None:
        """Open, and never a tick."""

    page.route_web_socket(re.compile("/api/v1/live"), silent)
    page.goto("/")
    expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
    time.sleep(1.0)
    assert page.get_by_text("No area under alert").count() == 0
    assert page.get_by_text("0 alarms").count() == 0
    assert page.get_by_text("No track").count() == 0
    page.context.close()
