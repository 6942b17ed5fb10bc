"""Where the console answers: a socket, and the web server on it. Beyond this machine only over TLS."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn

from perisai.model import BadInputError, ResourceError

from .config import ServiceSettings
from .identity import is_loopback


class Server(uvicorn.Server):
    """The house handles signals, not the web server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def web_server(app: Any, settings: ServiceSettings) -> Server:
    """The web server for the application, with the TLS of the settings.

    Raises BadInputError when certificate and key cannot be used.
    """
    tls: dict[str, Any] = {}
    if settings.tls_certificate:
        tls = {"ssl_certfile": settings.tls_certificate, "ssl_keyfile": settings.tls_key}
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise BadInputError("service.tls_certificate, tls_key", str(error), "a PEM pair") from error
    return Server(
        uvicorn.Config(
            app, log_level="warning", lifespan="off", ws_ping_interval=10, timeout_graceful_shutdown=2,
            server_header=False, **tls,
        )
    )  # fmt: skip


@contextlib.contextmanager
def listening(settings: ServiceSettings) -> Iterator[socket.socket]:
    """The socket of the console.

    Raises BadInputError when it would answer beyond this machine without TLS, ResourceError when the port is taken.
    """
    host, port = settings.host, settings.port
    if not is_loopback(host) and not (settings.tls_certificate and settings.tls_key):
        raise BadInputError(
            "service.host", f"{host} without TLS", "tls_certificate and tls_key, or an address of this machine only"
        )
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ResourceError(
            f"{host}:{port}: {error.strerror}; choose another port with --port or [service] port"
        ) from error
    with contextlib.closing(listener):
        yield listener
