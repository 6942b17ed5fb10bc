"""Web Push: encrypted messages to browsers (RFC 8030, 8188, 8291), from a server they know by its key (RFC 8292)."""

import base64
import binascii
import hmac
import os
import struct
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perisai.model import NOT_JSON, BadInputError

from .fan_out import FanOut, Job, Outcome
from .http_post import parse_address
from .message import Message, text_for

if TYPE_CHECKING:
    import asyncio

RECORD_BYTES = 4096
MAX_PAYLOAD_BYTES = RECORD_BYTES - 86 - 17
"""What one record of 4,096 bytes carries beside header, delimiter and tag: what every push service accepts."""
TOKEN_S = 12 * 3600


class WebPushSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="web_push"
):
    """subject: a mailto: or https: address under which push services find the sender (RFC 8292, 2.1).

    key: PEM file of the P-256 key by which browsers know this server; empty: one is made in the data directory.
    most: subscriptions kept; areas_each: areas that one may ask for. per_minute: subscriptions from one address.
    private_endpoints: whether endpoints without TLS and in private networks are taken (for trials on one machine).
    """

    subject: str = "mailto:perisai@localhost"
    name: str = ""
    key: str = ""
    most: int = 200_000
    areas_each: int = 50
    per_minute: int = 30
    private_endpoints: bool = False

    def __post_init__(self) -> None:
        if not self.subject.startswith(("mailto:", "https:")):
            raise ValueError(f"subject: {self.subject!r}; expected a mailto: or https: address")
        if min(self.most, self.areas_each, self.per_minute) < 1:
            raise ValueError("most, areas_each, per_minute: expected 1 or more")


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that asked for alerts. p256dh: its public point, 65 bytes; auth: its secret, 16 bytes.

    areas: codes it asked for. language: of its texts.
    """

    endpoint: str
    p256dh: bytes
    auth: bytes
    areas: tuple[str, ...] = ()
    language: str = "uk-UA"


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Raw(msgspec.Struct):
    endpoint: str
    keys: _Keys


def parse_subscription(
    content: bytes | str, areas: Iterable[str] = (), language: str = "uk-UA", *, private: bool = False
) -> Subscription:
    """The subscription that a browser gives as JSON (PushSubscription.toJSON).

    private: whether endpoints without TLS are taken. Raises BadInputError naming the field.
    """
    try:
        raw = msgspec.json.decode(content, type=_Raw)
    except NOT_JSON as error:
        raise BadInputError("push subscription", str(error), "endpoint and keys (p256dh, auth)") from error
    address = parse_address(raw.endpoint, "push subscription: endpoint")
    if not address.tls and not private:
        raise BadInputError("push subscription: endpoint", "http", "an https address")
    point, auth = _bytes(raw.keys.p256dh, "p256dh"), _bytes(raw.keys.auth, "auth")
    if len(auth) != 16:
        raise BadInputError("push subscription: keys.auth", f"{len(auth)} bytes", "16 bytes")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise BadInputError("push subscription: keys.p256dh", str(error), "a point of P-256") from error
    return Subscription(endpoint=raw.endpoint, p256dh=point, auth=auth, areas=tuple(areas), language=language)


def encrypt(payload: bytes, to: Subscription, salt: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The body of a push message, aes128gcm (RFC 8291, 3.4; RFC 8188, 2.1).

    salt: 16 random bytes; key: a P-256 key made for this message. Raises ValueError for more than MAX_PAYLOAD_BYTES.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"{len(payload)} bytes; a push message carries {MAX_PAYLOAD_BYTES}")
    own = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), to.p256dh))
    secret = _hkdf(to.auth, shared, b"WebPush: info\0" + to.p256dh + own, 32)
    content_key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\0", 12)
    header = salt + struct.pack("!IB", RECORD_BYTES, len(own)) + own
    return header + AESGCM(content_key).encrypt(nonce, payload + b"\x02", None)


def make_vapid_key() -> bytes:
    """A new server key, PEM; a subscription made with its public key is bound to it."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Vapid:
    """The server's identity towards push services (RFC 8292). key_pem: P-256 private key; raises BadInputError."""

    def __init__(self, key_pem: bytes, subject: str) -> None:
        try:
            key = serialization.load_pem_private_key(key_pem, password=None)
        except (ValueError, TypeError) as error:
            raise BadInputError("VAPID key", str(error), "a P-256 private key in PEM") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise BadInputError("VAPID key", type(key).__name__, "a P-256 private key in PEM")
        self._key, self._subject = key, subject
        point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self.public_key = _text(point)
        """What the browser needs to subscribe (applicationServerKey), base64url."""
        self._tokens: dict[str, tuple[float, str]] = {}

    def authorization(self, origin: str, now_s: float) -> str:
        """The Authorization header for a push service; signed once per origin and six hours."""
        made_s, header = self._tokens.get(origin, (float("-inf"), ""))
        if not 0 <= now_s - made_s < TOKEN_S / 2:
            head = _text(msgspec.json.encode({"typ": "JWT", "alg": "ES256"}))
            claims = {"aud": origin, "exp": int(now_s) + TOKEN_S, "sub": self._subject}
            signed = f"{head}.{_text(msgspec.json.encode(claims))}"
            r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
            header = f"vapid t={signed}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))},k={self.public_key}"
            self._tokens[origin] = (now_s, header)
        return header


def payload(message: Message, language: str) -> bytes:
    """What the service worker shows: JSON with title, body, level, area, mode, identifier, incident and expiry."""
    text = text_for(message, language)
    return msgspec.json.encode(
        {
            "title": text.headline[:300],
            "body": f"{text.instruction} {text.description}"[:1000],
            "language": text.language,
            "level": message.level,
            "threat": message.threat,
            "mode": message.mode,
            "area": message.area,
            "identifier": message.identifier,
            "incident": message.incident,
            "expires_us": message.expires_us,
        }
    )


class WebPush:
    """Sends messages to the browsers that asked for their area."""

    def __init__(self, fan_out: FanOut, vapid: Vapid, clock_s: Callable[[], float] = time.time) -> None:
        """clock_s: the clock that push services go by, s since 1970-01-01 UTC."""
        self._fan_out, self._vapid, self._clock_s = fan_out, vapid, clock_s

    def send(
        self, message: Message, to: Iterable[Subscription], now_us: int, tell: Callable[[Outcome], None] | None = None
    ) -> "asyncio.Future[list[Outcome]]":
        """Starts sending; each outcome's key is the endpoint, and `gone` ones are to be forgotten."""
        valid_s = max(0, message.expires_us - now_us) // 1_000_000
        texts: dict[str, bytes] = {}
        jobs: list[Job] = []
        for subscription in to:
            if subscription.language not in texts:
                texts[subscription.language] = payload(message, subscription.language)
            jobs.append(self._job(message, subscription, texts[subscription.language], int(valid_s)))
        return self._fan_out.submit(jobs, float(valid_s), tell)

    def _job(self, message: Message, to: Subscription, content: bytes, valid_s: int) -> Job:
        address = parse_address(to.endpoint, "push subscription: endpoint")
        topic = _text(hmac.digest(b"perisai topic", message.incident.encode(), "sha256")[:24])
        headers = {
            "Authorization": self._vapid.authorization(address.origin, self._clock_s()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(valid_s),
            "Urgency": "high",
            "Topic": topic,
        }

        def make() -> tuple[dict[str, str], bytes]:
            return headers, encrypt(content, to, os.urandom(16), ec.generate_private_key(ec.SECP256R1()))

        return Job(to.endpoint, address, make, message.incident)


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256 for up to 32 bytes (RFC 5869)."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")[:length]


def _bytes(text: str, name: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadInputError(f"push subscription: keys.{name}", str(error), "base64url") from error


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
