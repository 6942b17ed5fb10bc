"""Signing in through a real provider with a real browser: the button, there and back, and what a refusal says."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from oidc_peer import OidcPeer, running_provider, with_provider
from playwright.sync_api import Browser
from ports import free_port
from service_support import app_with_accounts

from perisai.service.config import ServiceSettings
from perisai.service.listen import listening, web_server


@pytest.fixture
def console(tmp_path: Path) -> Iterator[tuple[str, OidcPeer]]:
    """A console at localhost, and its provider at 127.0.0.1, which is another site to a browser."""
    port = free_port()
    address = f"http://localhost:{port}"
    with running_provider(address) as provider:
        app = app_with_accounts(tmp_path, config=with_provider(provider.issuer, tmp_path, address=address))
        settings = ServiceSettings(host="localhost", port=port)
        with listening(settings) as listener:
            server = web_server(app, settings)
            thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
            thread.start()
            yield address, provider
            server.should_exit = True
            thread.join(10)


def test_the_button_leads_there_and_back(browser: Browser, console: tuple[str, OidcPeer]) -> None:
    address, provider = console
    page = browser.new_page(locale="en-GB")
    provider.lets_in(sub="u-1", preferred_username="olena", groups=["elsewhere"], amr=["mfa"])
    page.goto(address)
    page.get_by_role("button", name="Sign in with Ministry").click()
    page.get_by_text("You have no role here").wait_for(timeout=20_000)
    assert "sign_in" not in page.url
    provider.lets_in(sub="u-1", preferred_username="olena", groups=["air-operators"], amr=["mfa"])
    page.get_by_role("button", name="Sign in with Ministry").click()
    page.get_by_text("olena", exact=True).wait_for(timeout=20_000)
    assert page.get_by_role("dialog").count() == 0
    page.close()
