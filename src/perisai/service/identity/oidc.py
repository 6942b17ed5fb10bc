"""An OpenID Connect provider asked who somebody is: authorization code flow with PKCE (Core 1.0, RFC 7636).

Metadata and keys are asked for anew at each sign-in, which is rare: a key that the provider withdrew counts no more.
Roles are read from the signed ID token only. Imported only where `[identity.oidc]` is set.
"""

import base64
import hashlib
import hmac
import re
import ssl
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from perisai.model import BadInputError

from .roles import Role
from .settings import OidcSettings, is_safe

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a key of the provider's alone: neither `none` nor a secret that we know, too."""
CALLBACK = "/api/v1/session/oidc/callback"
LEEWAY_S = 60
TIMEOUT_S = 10.0


class OidcError(Exception):
    """Who came does not come in. code: provider | token | role | factor | again | name, for the page."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class Person(msgspec.Struct, frozen=True):
    """Whom the provider vouches for. subject: issuer and its lasting name for them; name: for our lists."""

    subject: str
    name: str
    role: Role


class Provider:
    """One provider. No call keeps anything; safe from many tasks."""

    def __init__(self, settings: OidcSettings, secret: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """secret: of our client there, or empty. transport: in place of the network.

        Raises BadInputError when tls_ca cannot be read.
        """
        self.settings, self._secret, self._transport = settings, secret, transport
        self._callback = settings.address.rstrip("/") + CALLBACK
        try:
            self._tls = ssl.create_default_context(cafile=settings.tls_ca or None)
        except (OSError, ssl.SSLError) as error:
            raise BadInputError("identity.oidc.tls_ca", f"{settings.tls_ca}: {error}", "a PEM file") from error

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser to sign in. Raises OidcError when the provider does not answer as it should."""
        async with self._client() as client:
            metadata = await self._metadata(client)
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._callback,
            "scope": self.settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        begun = metadata["authorization_endpoint"]
        return f"{begun}{'&' if '?' in begun else '?'}{urlencode(asked)}"

    async def person(self, code: str, issuer: str, nonce: str, verifier: str, now_s: int) -> Person:
        """Who came back with a code. issuer: `iss` of the answer (RFC 9207), or empty. Raises OidcError."""
        if issuer and issuer != self.settings.issuer:
            raise OidcError("provider", "the answer came from another issuer")
        async with self._client() as client:
            metadata = await self._metadata(client)
            if not issuer and metadata.get("authorization_response_iss_parameter_supported") is True:
                raise OidcError("provider", "the answer does not say from which issuer it is")
            token = await self._redeem(client, metadata, code, verifier)
            keys = await _json(client, "GET", metadata["jwks_uri"])
        claims = _verified(token, keys, self.settings, nonce, now_s)
        return _person(claims, self.settings)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=self._tls, timeout=TIMEOUT_S, transport=self._transport, trust_env=False)

    async def _metadata(self, client: httpx.AsyncClient) -> dict[str, Any]:
        found = await _json(client, "GET", self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.settings.issuer:
            raise OidcError("provider", "its metadata are of another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str) or not is_safe(found[name]):
                raise OidcError("provider", f"its metadata name no safe {name}")
        return found

    async def _redeem(self, client: httpx.AsyncClient, metadata: dict[str, Any], code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        headers = {}
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if self._secret and "client_secret_basic" in methods:
            both = f"{quote(self.settings.client_id, safe='')}:{quote(self._secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        elif self._secret:
            form["client_secret"] = self._secret
        answer = await _json(client, "POST", metadata["token_endpoint"], data=form, headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OidcError("provider", "its answer has no id_token")
        return token


async def _json(client: httpx.AsyncClient, method: str, address: str, **more: Any) -> dict[str, Any]:
    try:
        answer = await client.request(method, address, **more)
        found = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise OidcError("provider", f"{address}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise OidcError("provider", f"{address}: status {answer.status_code}, no JSON object")
    return found


def _verified(token: str, keys: dict[str, Any], settings: OidcSettings, nonce: str, now_s: int) -> dict[str, Any]:
    """The claims of an ID token that is the provider's, for us, of now and of this sign-in (Core 1.0, 3.1.3.7)."""

    def key(of: Any) -> Any:
        kid = of.headers().get("kid")
        listed = keys.get("keys")
        fit = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        fit = [one for one in fit if one.get("use", "sig") == "sig" and kid in (None, one.get("kid"))]
        if len(fit) != 1:
            raise OidcError("token", f"{len(fit)} of the provider's keys fit its signature")
        return jwk.import_key(fit[0])

    try:
        claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        jwt.JWTClaimsRegistry(
            now=now_s,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise OidcError("token", f"ID token: {type(error).__name__} {error}"[:300]) from error
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != settings.client_id:
        raise OidcError("token", "ID token: made for another client as well, and not given to us (azp)")
    if claims.get("azp", settings.client_id) != settings.client_id:
        raise OidcError("token", "ID token: given to another client (azp)")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise OidcError("token", "ID token: nonce of another sign-in")
    return claims


def _person(claims: dict[str, Any], settings: OidcSettings) -> Person:
    subject = claims["sub"]
    if not 0 < len(subject) <= 255:
        raise OidcError("token", "ID token: sub is empty or longer than 255")
    factors = [*_texts(claims.get("amr")), *_texts(claims.get("acr"))]
    if settings.second_factor and not set(factors) & set(settings.second_factor):
        raise OidcError("factor", f"no second factor: amr and acr say {', '.join(factors)[:80] or 'nothing'}")
    given = _texts(_claim(claims, settings.role_claim))
    role: Role | None = next((settings.roles[value] for value in settings.roles if value in given), None)
    if role is None:
        raise OidcError("role", f"no role here: {settings.role_claim} says {', '.join(given)[:80] or 'nothing'}")
    asked = _claim(claims, settings.name_claim)
    name = re.sub(r"[^a-z0-9._-]", "-", asked.lower())[:40].strip("-._") if isinstance(asked, str) else ""
    name = name or "oidc-" + hashlib.sha256(subject.encode()).hexdigest()[:12]
    return Person(f"{settings.issuer} {subject}", name, role)


def _claim(claims: dict[str, Any], name: str) -> Any:
    """A claim by its name, or by the way to it through others."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
