"""The application: API, live socket, CAP files and the console's pages."""

import time
from typing import Any

from litestar import Litestar, MediaType, Request, Response, WebSocket, get, websocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketDisconnect
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from .. import package_data
from ..files import read_text
from ..identity import Throttle, per_minute
from ..ingest.device_keys import read_device_keys
from ..ingest.http_reports import HttpReports
from ..ingest.sink import HttpSource, Sink
from ..roles.gateway import Console
from .alert_apis import AlertApis
from .channels_api import channels, sirens
from .docs_page import PlainPage
from .feed_api import cap_certificate, cap_feed, cap_message
from .guard import needs_view
from .ingest_api import accept_detections
from .inputs_api import give_task, inputs
from .layers_api import LayersController
from .metrics_api import metrics
from .operator_api import OperatorController
from .pages import answer, pages_router
from .partners_api import partners
from .picture_api import PictureController
from .public import PublicController
from .push_api import PushController
from .replay_api import ReplayController, replay, replay_state
from .reports_api import accept_reports, report_schema
from .session_api import SessionController
from .streams_api import StreamController

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "worker-src 'self' blob:; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@websocket("/api/v1/live", guards=[needs_view])
async def live(socket: WebSocket[Any, Any, Any]) -> None:
    """Ticks of the picture (docs/architecture.md), the first one full."""
    await socket.accept()
    gateway = socket.app.state.gateway
    console = Console()
    gateway.consoles.add(console)
    try:
        version = gateway.picture.version
        await socket.send_bytes(gateway.picture.tick(0, gateway.detections_per_s))
        console.seen = version
        while True:
            await socket.send_bytes(await console.next())
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        gateway.consoles.discard(console)


@get("/citizen", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def citizen(request: Request) -> Response[bytes]:
    return answer(request, package_data.CONSOLE, "citizen.html")


def build_app(**state: Any) -> Litestar:
    """The application over a running house.

    state: config (Config), gateway (Gateway), channels (Channels), work (Work), ingest (Ingest), ground (Ground),
    sensors (list of Sensor), identity (IdentityStore), audit (AuditLog), exercise_accounts (list of ExerciseAccount),
    office (Office).
    """
    settings = state["config"].inputs
    state["reports"] = HttpReports(state["sensors"], settings.reports, state["ingest"])
    state["device_keys"] = read_device_keys(settings.device_keys, state["sensors"])
    state["detections"] = Sink(HttpSource("http-detections", "detections"), state["ingest"])
    state["detection_rate"] = per_minute(settings.detections_per_minute)
    state["report_rate"] = per_minute(settings.reports_per_minute)
    state["ingest_key"] = read_text(settings.key_file, "a key of one line").strip() if settings.key_file else ""
    state["tries"] = Throttle(5, 60.0, time.monotonic)
    state["tries_of_address"] = Throttle(30, 10.0, time.monotonic)
    state["noted"] = Throttle(20, 5.0, time.monotonic)
    handlers: list[Any] = [
        live,
        citizen,
        accept_detections,
        accept_reports,
        report_schema,
        inputs,
        give_task,
        PictureController,
        PublicController,
        SessionController,
        OperatorController,
        cap_feed,
        cap_certificate,
        cap_message,
        AlertApis,
        PushController,
        StreamController,
        channels,
        sirens,
        partners,
        metrics,
        LayersController,
        ReplayController,
        replay,
    ]
    if state["config"].identity.oidc:
        handlers.append(_provider(state))
    if (package_data.CONSOLE / "index.html").is_file():
        handlers.append(pages_router(package_data.CONSOLE))
    return Litestar(
        route_handlers=handlers,
        state=State(state | replay_state(state["config"].service.data)),
        openapi_config=OpenAPIConfig(
            title="Perisai",
            version="1",
            path="/api/docs",
            use_handler_docstrings=True,
            render_plugins=[PlainPage(), JsonRenderPlugin()],
        ),
        response_headers=HEADERS,
        logging_config=None,
    )


def _provider(state: dict[str, Any]) -> Any:
    """The pages of signing in through a provider; nothing of it is imported where none is set."""
    from ..identity.oidc import Provider
    from .oidc_api import OidcController

    settings = state["config"].identity.oidc
    path = settings.client_secret_file
    secret = read_text(path, "a secret of one line").strip() if path else ""
    state["provider"] = Provider(settings, secret)
    state["tries_of_provider"] = Throttle(30, 10.0, time.monotonic)
    return OidcController
