"""A real OpenID provider in a process of its own, and a browser that goes between it and the console."""

import contextlib
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
from peer_env import SCRIPTS, peer_node
from ports import free_port

from perisai.service.config import Config
from perisai.service.identity import IdentitySettings, OidcSettings

CONSOLE = "https://console.example"
SECRET = "a secret: of + our client"


class OidcPeer:
    """The provider. issuer: its address."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"

    def lets_in(self, **claims: Any) -> None:
        """Whom it takes whoever comes for; sub `nobody`: refused."""
        with urllib.request.urlopen(f"{self.issuer}/who?{urlencode({'is': msgspec.json.encode(claims)})}", timeout=5):
            pass


@contextlib.contextmanager
def running_provider(console: str = CONSOLE) -> Iterator[OidcPeer]:
    """A provider that knows one client, `perisai`."""
    package, port = peer_node("oidc-provider@9.13.3"), free_port()
    command = ["node", str(SCRIPTS / "oidc_provider.mjs"), str(package), str(port)]
    callback = f"{console}/api/v1/session/oidc/callback"
    with subprocess.Popen(
        [*command, callback], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("ready"):
                    break
            else:
                raise RuntimeError("the provider did not start")
            yield OidcPeer(port)
        finally:
            process.terminate()


def with_provider(issuer: str, directory: Any, **more: Any) -> Config:
    """Settings of a console with this provider."""
    (directory / "oidc.secret").write_text(SECRET + "\n")
    given: dict[str, Any] = {
        "issuer": issuer,
        "client_id": "perisai",
        "address": CONSOLE,
        "client_secret_file": str(directory / "oidc.secret"),
        "roles": {"air-operators": "operator", "air-watch": "viewer"},
        "role_claim": "groups",
        "label": "Ministry",
    }
    return Config(identity=IdentitySettings(oidc=OidcSettings(**given | more)))


def there_and_back(app: Any) -> httpx.AsyncClient:
    """A client with its own cookies: the console's name leads to the application, all else to the network."""
    console = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(base_url=CONSOLE, mounts={CONSOLE: console}, follow_redirects=True, trust_env=False)
