"""POST over HTTP/1.1 and TLS on kept connections: small enough to send one alert to ten thousand addresses in seconds.

A general client (httpx) took 4 ms a request here; this one does what a fan-out needs and nothing else: no redirects,
no cookies, no bodies of answers. RFC 9112.
"""

import asyncio
import contextlib
import ipaddress
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from perisai.model import BadInputError

MAX_ANSWER_BYTES = 65_536
MAX_IDLE_A_HOST = 256


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post: a host, its port, whether over TLS, and the path with its query."""

    host: str
    port: int
    tls: bool
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454), without a default port."""
        scheme, default = ("https", 443) if self.tls else ("http", 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}" + ("" if self.port == default else f":{self.port}")


def parse_address(url: str, where: str) -> Address:
    """The address of a URL. Raises BadInputError, naming `where`, for anything but plain http and https."""
    expected = "an http or https address"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInputError(where, str(error), expected) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise BadInputError(where, repr(url[:200]), expected)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    except UnicodeError as error:
        raise BadInputError(where, repr(url[:200]), expected) from error
    if any(not "!" <= character <= "~" for character in path + host):
        raise BadInputError(where, repr(url[:200]), "an address in plain ASCII without spaces")
    tls = parts.scheme == "https"
    return Address(host, port or (443 if tls else 80), tls, path)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status of the answer, and after how many seconds the server asks to come again, if it does."""

    status: int
    retry_after_s: float | None = None


class PostFailed(Exception):
    """No answer: refused, reset, timed out, or not HTTP. The message is the reason, as counted."""


class HttpPost:
    """Posts on connections that stay open. private: may post to loopback and private networks; an address that came
    from the public (Web Push) must not, or anybody could make this machine write to its neighbours."""

    def __init__(self, *, private: bool = False, timeout_s: float = 10.0, tls: ssl.SSLContext | None = None) -> None:
        self._private, self._timeout_s = private, timeout_s
        self._tls = tls or ssl.create_default_context()
        self._idle: dict[str, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}

    async def post(self, address: Address, headers: dict[str, str], body: bytes) -> Reply:
        """One POST. Raises PostFailed when no answer came within the time-out."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(address, headers, body)
        except TimeoutError as error:
            raise PostFailed("timeout") from error
        except ssl.SSLError as error:
            raise PostFailed("tls") from error
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            raise PostFailed("connection") from error
        except ValueError as error:
            raise PostFailed("not_http") from error

    async def close(self) -> None:
        """Closes the idle connections."""
        for idle in self._idle.values():
            for _, writer in idle:
                writer.close()
        self._idle.clear()

    async def _post(self, address: Address, headers: dict[str, str], body: bytes) -> Reply:
        lines = [f"POST {address.path} HTTP/1.1", f"Host: {address.origin.split('//')[1]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        request = "\r\n".join(lines).encode("latin-1") + body
        idle = self._idle.setdefault(address.origin, [])
        while idle:
            reader, writer = idle.pop()
            if reader.at_eof() or writer.is_closing():
                writer.close()
                continue
            with contextlib.suppress(OSError, EOFError):
                return await self._exchange(address, reader, writer, request)
        reader, writer = await self._connect(address)
        return await self._exchange(address, reader, writer, request)

    async def _connect(self, address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            address.host, address.port, ssl=self._tls if address.tls else None, limit=MAX_ANSWER_BYTES
        )
        if not self._private and not ipaddress.ip_address(writer.get_extra_info("peername")[0]).is_global:
            writer.close()
            raise PostFailed("private_network")
        return reader, writer

    async def _exchange(
        self, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> Reply:
        keep = False
        try:
            writer.write(request)
            status, headers = await _head(reader)
            while 100 <= status < 200:
                status, headers = await _head(reader)
            keep = await _skip_body(reader, status, headers) and headers.get("connection", "").lower() != "close"
            return Reply(status, _seconds(headers.get("retry-after", "")))
        finally:
            idle = self._idle.setdefault(address.origin, [])
            if keep and len(idle) < MAX_IDLE_A_HOST:
                idle.append((reader, writer))
            else:
                writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    version, status, *_ = (*first.split(" ", 2), "")
    if not version.startswith("HTTP/1.") or not status.isdigit() or len(status) != 3:
        raise ValueError("not HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(status), headers


async def _skip_body(reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bool:
    """Reads the body away; whether the connection can be used again (RFC 9112, 6.3)."""
    if status in (204, 304):
        return True
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _skip_chunks(reader)
    length = headers.get("content-length", "")
    if not length.isdigit():
        return False
    if int(length) > MAX_ANSWER_BYTES:
        return False
    await reader.readexactly(int(length))
    return True


async def _skip_chunks(reader: asyncio.StreamReader) -> bool:
    total = 0
    while total <= MAX_ANSWER_BYTES:
        line = (await reader.readuntil(b"\r\n")).split(b";")[0].strip()
        size = int(line, 16)
        if size < 0:
            return False
        if size == 0:
            while (await reader.readuntil(b"\r\n")) != b"\r\n":
                pass
            return True
        total += size
        if total <= MAX_ANSWER_BYTES:
            await reader.readexactly(size + 2)
    return False


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isdigit() and len(retry_after) < 7 else None
