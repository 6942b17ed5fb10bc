"""The console's files, in the smallest form the browser takes; what never changes is kept by the browser for good."""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from litestar import HttpMethod, Request, Response, Router, route
from litestar.exceptions import NotFoundException

ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".woff2": "font/woff2", ".woff": "font/woff"}
FOR_GOOD = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"


@dataclass(frozen=True)
class Page:
    """One file with what is told of it."""

    content: bytes
    media_type: str
    headers: dict[str, str]


def accepted(header: str) -> frozenset[str]:
    """Encodings an Accept-Encoding header allows; one with q=0 is refused."""
    names = set[str]()
    for part in header.split(","):
        name, _, weight = part.strip().partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            names.add(name.strip().lower())
    return frozenset(names)


@lru_cache(maxsize=256)
def _read(path: Path, changed_ns: int, encoding: str, suffix: str, lasting: bool) -> Page:
    content = path.with_name(path.name + suffix).read_bytes()
    media_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    tag = hashlib.blake2b(content, digest_size=12).hexdigest()
    headers = {"ETag": f'"{tag}"', "Vary": "Accept-Encoding", "Cache-Control": FOR_GOOD if lasting else ASK_EACH_TIME}
    if encoding:
        headers["Content-Encoding"] = encoding
    return Page(content, media_type, headers)


def page(folder: Path, name: str, encodings: frozenset[str]) -> Page:
    """A file of the folder, compressed where that form lies beside it and is taken. Raises NotFoundException."""
    path = (folder / (name.strip("/") or "index.html")).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise NotFoundException(detail=f"no page {name}")
    # Vite names what is under assets/ by its content.
    lasting, changed_ns = path.parent.name == "assets", path.stat().st_mtime_ns
    for encoding, suffix in ENCODINGS:
        if encoding in encodings and path.with_name(path.name + suffix).is_file():
            return _read(path, changed_ns, encoding, suffix, lasting)
    return _read(path, changed_ns, "", "", lasting)


def answer(request: Request, folder: Path, name: str) -> Response[bytes]:
    """The page, or that the browser has it already. Raises NotFoundException."""
    found = page(folder, name, accepted(request.headers.get("accept-encoding", "")))
    if request.headers.get("if-none-match") == found.headers["ETag"]:
        return Response(b"", status_code=304, headers=found.headers, media_type=found.media_type)
    return Response(found.content, headers=found.headers, media_type=found.media_type)


def packed(request: Request, plain: bytes, gzipped: bytes, media_type: str) -> Response[bytes]:
    """What was encoded once, gzipped where that is taken."""
    if "gzip" not in accepted(request.headers.get("accept-encoding", "")):
        return Response(plain, media_type=media_type, headers={"Vary": "Accept-Encoding"})
    return Response(gzipped, media_type=media_type, headers={"Vary": "Accept-Encoding", "Content-Encoding": "gzip"})


def pages_router(folder: Path) -> Router:
    """`/` and everything below it that no other route takes."""

    @route(
        ["/", "/{file_path:path}"],
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        include_in_schema=False,
        sync_to_thread=False,
    )
    def console(request: Request) -> Response[bytes]:
        return answer(request, folder, str(request.path_params.get("file_path", "")))

    return Router(path="/", route_handlers=[console])
