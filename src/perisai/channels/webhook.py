"""Signed webhooks, as Standard Webhooks 1.0 describes them, with retries: HMAC-SHA-256 over `id.timestamp.body`."""

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from perisai.model import BadInputError

from .fan_out import FanOut, Job, Outcome
from .http_post import Address, parse_address
from .message import Message

if TYPE_CHECKING:
    import asyncio


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="webhook"):
    """An address that is told of alerts. secret: `whsec_` and 24 to 64 bytes in base64.

    areas: codes it is told of, all when empty. Raises ValueError (ValidationError from TOML) naming the field.
    """

    url: str
    secret: str
    name: str = ""
    areas: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            parse_address(self.url, "webhook: url")
            secret_bytes(self.secret)
        except BadInputError as error:
            raise ValueError(str(error)) from error

    def wants(self, area: str) -> bool:
        return not self.areas or area in self.areas


def secret_bytes(secret: str) -> bytes:
    """The key of a secret. Raises BadInputError."""
    expected = "whsec_ and 24 to 64 bytes in base64"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInputError("webhook: secret", "not base64", expected) from error
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise BadInputError("webhook: secret", f"{len(key)} bytes", expected)
    return key


def sign(key: bytes, identifier: str, timestamp_s: int, body: bytes) -> str:
    """The `webhook-signature` of a body."""
    content = f"{identifier}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def body(message: Message) -> bytes:
    """What is posted: JSON with the message's fields, its texts by language, and the CAP document itself."""
    return msgspec.json.encode(
        {
            "type": f"alert.{message.level}",
            "identifier": message.identifier,
            "incident": message.incident,
            "alert": message.alert,
            "area": message.area,
            "level": message.level,
            "threat": message.threat,
            "mode": message.mode,
            "msg_type": message.msg_type,
            "sent_us": message.sent_us,
            "expires_us": message.expires_us,
            "arrival_us": message.arrival_us,
            "texts": {text.language: [text.headline, text.description, text.instruction] for text in message.texts},
            "cap": message.xml.decode(),
        }
    )


class WebhookSender:
    """Posts each message to the webhooks that want its area."""

    def __init__(
        self, fan_out: FanOut, webhooks: Iterable[Webhook], clock_us: Callable[[], int] = lambda: time.time_ns() // 1000
    ) -> None:
        self._fan_out, self._clock_us = fan_out, clock_us
        self._webhooks: list[tuple[Webhook, Address, bytes]] = [
            (hook, parse_address(hook.url, "webhook: url"), secret_bytes(hook.secret)) for hook in webhooks
        ]

    def send(
        self,
        message: Message,
        now_us: int,
        done: frozenset[str] = frozenset(),
        tell: Callable[[Outcome], None] | None = None,
    ) -> "asyncio.Future[list[Outcome]]":
        """Starts sending; each outcome's key is the URL. done: URLs that have had this message. tell: as in FanOut.

        Every attempt bears the same id, by which a receiver drops what it has seen, and is signed with its own time,
        because receivers refuse what is older than some minutes.
        """
        content = body(message)
        jobs = [
            self._job(message, hook, address, key, content)
            for hook, address, key in self._webhooks
            if hook.wants(message.area) and hook.url not in done
        ]
        return self._fan_out.submit(jobs, max(0.0, (message.expires_us - now_us) / 1e6), tell)

    def _job(self, message: Message, hook: Webhook, address: Address, key: bytes, content: bytes) -> Job:
        def make() -> tuple[dict[str, str], bytes]:
            now_s = self._clock_us() // 1_000_000
            headers = {
                "Content-Type": "application/json",
                "webhook-id": message.identifier,
                "webhook-timestamp": str(now_s),
                "webhook-signature": sign(key, message.identifier, now_s, content),
            }
            return headers, content

        return Job(hook.url, address, make, message.incident)
