"""The CAP feed and its messages over HTTP, and the certificate that their signatures are checked with."""

from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from perisai.channels.cap_feed import ATOM_TYPE, CAP_TYPE

from ..channels.http_outlets import FeedOutlet
from ..keys import signing_files
from .rate import admit


@get("/cap.atom", media_type=ATOM_TYPE, sync_to_thread=False)
def cap_feed(state: State, request: Request[Any, Any, Any]) -> Response[bytes]:
    """An Atom feed of the alerts in force, one entry an incident; If-None-Match gets 304 when nothing has changed."""
    outlet: FeedOutlet = state.channels.find(FeedOutlet)
    admit(state, outlet, request)
    body, tag = outlet.document(str(request.base_url).rstrip("/"))
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type=ATOM_TYPE, headers=headers)


@get("/cap/certificate.pem", media_type="application/x-pem-file", sync_to_thread=True)
def cap_certificate(state: State) -> bytes:
    """The certificate of the key that signs the messages."""
    config = state.config
    _, certificate = signing_files(config.signing, Path(config.service.data))
    if not config.signing.sign or not certificate.is_file():
        raise NotFoundException(detail="messages are not signed")
    return certificate.read_bytes()


@get("/cap/{name:str}", media_type=CAP_TYPE, sync_to_thread=True)
def cap_message(state: State, name: FromPath[str]) -> bytes:
    """One CAP message by its identifier: those in force from the feed, older ones from the recording."""
    identifier = name.removesuffix(".xml")
    xml = state.channels.find(FeedOutlet).message(identifier)
    if xml is not None:
        return xml
    path = Path(state.config.service.data) / "cap" / f"{identifier}.xml"
    if "/" in name or ".." in name or not path.is_file():
        raise NotFoundException(detail=f"no CAP message {name}")
    return path.read_bytes()
