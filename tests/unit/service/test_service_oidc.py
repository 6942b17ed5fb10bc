"""Signing in through a real OpenID provider (oidc-provider, in a process of its own): who comes in, and as what."""

import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from oidc_peer import CONSOLE, running_provider, there_and_back, with_provider
from service_support import PASSWORD, app_with_accounts, browser, sign_in

from perisai.model import BadInputError
from perisai.service.config import parse_config

OLENA = {"sub": "u-1", "preferred_username": "Olena@example.org", "groups": ["staff", "air-operators"], "amr": ["mfa"]}


@pytest.fixture(scope="module")
def provider():
    with running_provider() as peer:
        yield peer


@pytest.fixture
def app(provider, tmp_path):
    return app_with_accounts(tmp_path, config=with_provider(provider.issuer, tmp_path))


async def come(app, client):
    """Sign in; where the browser ends, and who it then is."""
    answer = await client.get("/api/v1/session/oidc")
    end = answer.url if answer.url.host == "console.example" else answer.text
    return str(end).removeprefix(CONSOLE), (await client.get("/api/v1/session")).json()


async def test_who_has_a_role_comes_in_with_it(provider, app):
    provider.lets_in(**OLENA)
    async with there_and_back(app) as client:
        end, told = await come(app, client)
        assert end == "/" and told["provider"] == "Ministry"
        account = told["account"]
        assert (account["name"], account["role"]) == ("olena-example.org", "operator")
        assert (await client.get("/api/v1/state")).status_code == 200
        assert (await client.get("/api/v1/audit")).status_code == 403
        kept = {cookie.name: cookie for cookie in client.cookies.jar}
        session = kept["perisai-session"]
        assert session.secure and session.get_nonstandard_attr("SameSite") == "strict"
        assert "perisai-oidc" not in kept, "gone once it has done its work"
    entry = next(one for one in app.state.audit.newest(9) if one.what == "sign in")
    assert (entry.who, entry.role, entry.outcome) == ("olena-example.org", "operator", "done")
    assert entry.detail == f"through {provider.issuer} u-1"


async def test_the_role_is_the_one_the_provider_says_now(provider, app):
    for groups, role in ((["air-operators"], "operator"), (["air-watch"], "viewer"), ([], None)):
        provider.lets_in(**OLENA | {"groups": groups})
        async with there_and_back(app) as client:
            end, told = await come(app, client)
            assert (told["account"] or {}).get("role") == role
            assert end == ("/" if role else "/?sign_in=role")
    assert [one.name for one in app.state.identity.accounts()].count("olena-example.org") == 1


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"groups": "air-operator"}, "role"),
        ({"groups": {"air-operators": True}}, "role"),
        ({"amr": ["pwd"]}, "factor"),
        ({"amr": None}, "factor"),
        ({"sub": "nobody"}, "provider"),
        ({"preferred_username": "operator"}, "name"),
    ],
)
async def test_nobody_else_comes_in(provider, app, claims, why):
    provider.lets_in(**OLENA | claims)
    async with there_and_back(app) as client:
        end, told = await come(app, client)
        assert (end, told["account"]) == (f"/?sign_in={why}", None)
        assert "perisai-session" not in client.cookies
    entry = app.state.audit.newest(1)[0]
    assert (entry.what, entry.outcome) == ("sign in", "refused") and entry.detail


async def test_a_locked_account_stays_out_and_has_no_password(provider, app):
    provider.lets_in(**OLENA)
    identity = app.state.identity
    async with there_and_back(app) as client:
        await come(app, client)
        identity.set_disabled("olena-example.org")
        assert (await client.get("/api/v1/state")).status_code == 401, "at once"
        assert (await come(app, client))[0] == "/?sign_in=role"
    identity.set_disabled("olena-example.org", False)
    for act in (identity.set_password, identity.set_role):
        with pytest.raises(BadInputError, match="signs in through a provider"):
            act("olena-example.org", PASSWORD if act == identity.set_password else "admin")
    with pytest.raises(BadInputError, match="signs in through a provider"):
        identity.set_second_factor("olena-example.org")
    async with browser(app) as client:
        assert (await sign_in(client, "olena-example.org", "")).status_code == 401


async def test_a_code_counts_once_and_only_in_its_browser(provider, app):
    provider.lets_in(**OLENA)
    async with there_and_back(app) as client, there_and_back(app) as other:
        client.follow_redirects = False
        here = await client.get("/api/v1/session/oidc")
        asked = parse_qs(urlsplit(here.headers["Location"]).query)
        assert asked["code_challenge_method"] == ["S256"] and asked["state"] != asked["nonce"]
        while urlsplit(here.headers["Location"]).hostname != "console.example":
            there = here.url.join(here.headers["Location"])
            here = await client.get(there)
        back = here.headers["Location"]
        assert (await other.get(back)).url.query == b"sign_in=again", "another browser with the same address"
        answer = await client.get(back)
        assert answer.headers["Location"] == "/" and "perisai-session" in answer.headers["Set-Cookie"]
        for sender in (client, other):
            sender.cookies.set("perisai-oidc", "guessed")
            sender.follow_redirects = False
            assert (await sender.get(back)).headers["Location"] == "/?sign_in=again", "the same code again"


async def test_whatever_comes_back_the_server_does_not_fail(app):
    queries = ["", "state=%00&code=%00", "state=%ff&code=%fe", "code=a&code=b", "state=a&state=b", "error=%0d%0aX:1"]
    queries += [f"{name}={'x' * 9000}" for name in ("state", "code", "iss", "error")]
    async with there_and_back(app) as client:
        client.follow_redirects = False
        for query in queries:
            answer = await client.get(f"/api/v1/session/oidc/callback?{query}")
            assert answer.status_code in (303, 400) and "X" not in answer.headers, query


async def test_nobody_floods_the_provider_and_no_other_site_begins_a_sign_in(app):
    async with there_and_back(app) as client:
        client.follow_redirects = False
        foreign = await client.get("/api/v1/session/oidc", headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        told = [(await client.get("/api/v1/session/oidc/callback?state=x&code=y")).status_code for _ in range(31)]
        assert told == [303] * 30 + [429]
    assert {one.outcome for one in app.state.audit.newest(30)} == {"refused"}


async def test_a_provider_that_is_away_is_said(tmp_path):
    app = app_with_accounts(tmp_path, config=with_provider("http://127.0.0.1:9", tmp_path))
    async with there_and_back(app) as client:
        assert (await come(app, client))[0] == "/?sign_in=provider"
        assert (await sign_in(client, "operator")).status_code == 201, "passwords go on"


async def test_without_settings_nothing_of_it_is_there(tmp_path):
    async with browser(app_with_accounts(tmp_path)) as client:
        assert (await client.get("/api/v1/session")).json()["provider"] is None
        assert (await client.get("/api/v1/session/oidc/callback")).status_code == 404
    script = "import sys, perisai.service.http, perisai.service.house; sys.exit('joserfc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_the_settings_name_their_files_from_where_they_are(tmp_path):
    text = (
        '[identity.oidc]\nissuer = "https://id.example"\nclient_id = "perisai"\naddress = "https://console.example"\n'
        'client_secret_file = "oidc.secret"\n[identity.oidc.roles]\n"air-operators" = "{}"\n'
    )
    oidc = parse_config(text.format("operator"), tmp_path / "perisai.toml").identity.oidc
    assert (
        oidc
        and oidc.client_secret_file == str(tmp_path / "oidc.secret")
        and oidc.roles == {"air-operators": "operator"}
    )
    with pytest.raises(BadInputError, match=r"line 6: identity.oidc.roles"):
        parse_config(text.format("king"), tmp_path / "perisai.toml")
