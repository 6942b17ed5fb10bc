"""The console's files as the service hands them out, and the page of the API."""

import gzip
import re

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from service_support import app_with_accounts, browser

from perisai.service.http.pages import accepted, pages_router


@pytest.fixture
def client(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    script = folder / "assets/index-abc.js"
    script.write_text("let plain;")
    script.with_name("index-abc.js.gz").write_bytes(gzip.compress(b"let plain;"))
    (tmp_path / "secret.txt").write_text("secret")
    with TestClient(Litestar([pages_router(folder)])) as made:
        yield made


def test_the_compressed_form_goes_to_who_takes_it_and_is_kept_for_good(client):
    packed = client.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == "let plain;"
    plain = client.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == "let plain;"
    assert plain.headers["content-type"].startswith("text/javascript")
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["vary"] == "Accept-Encoding"


def test_a_page_is_asked_for_each_time_and_not_sent_twice(client, tmp_path):
    first = client.get("/")
    assert first.headers["cache-control"] == "no-cache"
    assert client.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    (tmp_path / "dist/index.html").write_text("<!doctype html><title>new</title>")
    assert "new" in client.get("/", headers={"If-None-Match": first.headers["etag"]}).text


@pytest.mark.parametrize("path", ["/", "/assets/index-abc.js"])
def test_who_asks_for_the_head_is_told_all_but_the_page(client, path):
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert whole.content
    assert head.headers["etag"] == whole.headers["etag"]
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize("path", ["/assets/../../secret.txt", "/%2e%2e/secret.txt", "/assets", "/nothing.js"])
def test_nothing_outside_the_folder_is_a_page(client, path):
    assert client.get(path).status_code == 404


def test_a_form_refused_by_its_weight_is_not_taken():
    assert accepted("gzip;q=0, br; q=0.5, identity") == {"br", "identity"}


async def test_the_ground_is_gzipped_for_who_takes_it(tmp_path):
    client = browser(app_with_accounts(tmp_path))
    packed = await client.get("/api/v1/areas.geojson", headers={"Accept-Encoding": "gzip"})
    plain = await client.get("/api/v1/areas.geojson", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert packed.headers["content-type"].startswith("application/geo+json")


async def test_the_page_of_the_api_lists_every_path_and_needs_nothing_from_elsewhere(tmp_path):
    client = browser(app_with_accounts(tmp_path))
    page = await client.get("/api/docs")
    schema = (await client.get("/api/docs/openapi.json")).json()
    for path in schema["paths"]:
        assert f" {path}</code>" in page.text
    assert "/api/v1/areas/{code}/timeline" in page.text
    assert "what is foreseen for it now" in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert all(link.startswith("/") for link in re.findall(r'(?:href|src)="([^"]*)"', page.text))
