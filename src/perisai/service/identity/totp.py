"""The second factor: six digits that change every 30 seconds (RFC 6238 over RFC 4226, with SHA-1 as phones do)."""

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
SKEW_STEPS = 1
"""Steps a phone's clock may be off either way (RFC 6238, 5.2 advises one)."""


def new_secret() -> str:
    """160 bits by chance, in base32 (RFC 4226, 4: the length recommended)."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int, digits: int = DIGITS) -> str:
    """The code of a 30-second step (RFC 4226, 5.3: dynamic truncation)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack_from(">I", digest, offset)[0] & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def matching_step(secret: str, code: str, now_s: float, used: int) -> int | None:
    """The step whose code this is, or None. used: the last step accepted; no code counts twice (RFC 6238, 5.2)."""
    now = int(now_s // STEP_S)
    found = None
    for step in range(now - SKEW_STEPS, now + SKEW_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > used:
            found = step
    return found


def provisioning_uri(secret: str, name: str, issuer: str = "Perisai") -> str:
    """What an authenticator app reads from a QR code."""
    return f"otpauth://totp/{quote(issuer)}:{quote(name)}?secret={secret}&issuer={quote(issuer)}"
