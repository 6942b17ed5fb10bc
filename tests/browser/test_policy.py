"""The pages keep to the content policy they are sent with."""

import pytest
from playwright.sync_api import Browser, expect


@pytest.mark.parametrize(
    ("path", "sign"),
    [("/", "Alerts"), ("/citizen", ""), ("/report.html", "Night report"), ("/api/docs", "Perisai API")],
)
def test_each_page_works_under_its_content_policy(browser: Browser, service: str, path: str, sign: str) -> None:
    context = browser.new_context(locale="en-GB", base_url=service)
    page = context.new_page()
    broken: list[str] = []
    page.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: broken.append(str(error)))
    answer = page.goto(path)
    assert answer
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    expect(page.get_by_role("heading", name=sign).first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(2500)
    context.close()
    assert broken == []
