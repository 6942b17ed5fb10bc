"""What the service asks of who comes."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from perisai.model import BadInputError

from .exercise import is_loopback
from .roles import Role

Given = Annotated[str, msgspec.Meta(min_length=1)]


class OidcSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[identity.oidc]`: sign-in through an OpenID Connect provider, beside passwords. Not there: off.

    issuer: of the provider, to the letter; client_id, client_secret_file: ours there (a file of one line; empty for a
    public client). address: where browsers reach this console; the provider must know
    `{address}/api/v1/session/oidc/callback`. roles: value of the role claim -> role here, the first that fits counts;
    who has none does not come in. role_claim, name_claim: claims of the ID token, with dots for what lies in another.
    second_factor: what `amr` or `acr` of the ID token must name one of; empty leaves it to the provider.
    label: on the button. tls_ca: PEM of the provider's authority where the machine does not know it.
    """

    issuer: Given
    client_id: Given
    address: Given
    roles: dict[str, Role]
    client_secret_file: str = ""
    role_claim: Given = "roles"
    name_claim: Given = "preferred_username"
    second_factor: tuple[str, ...] = ("mfa",)
    scope: str = "openid profile"
    label: str = "OpenID Connect"
    tls_ca: str = ""

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        for name, value in (("issuer", self.issuer), ("address", self.address)):
            if not is_safe(value):
                raise BadInputError(f"identity.oidc.{name}", value, "https://... (http on this machine only)")
        if not self.roles:
            raise BadInputError("identity.oidc.roles", "none", "a value of the role claim -> a role, at least one")
        if "openid" not in self.scope.split():
            raise BadInputError("identity.oidc.scope", self.scope, "openid among them")


class IdentitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[identity]`. sign_in_to_view: the picture needs an account, not only acting on it. session_hours: a sign-in."""

    sign_in_to_view: bool = True
    session_hours: float = 12.0
    oidc: OidcSettings | None = None

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        if not 0 < self.session_hours <= 168:
            raise BadInputError("identity.session_hours", str(self.session_hours), "above 0, at most 168 hours")


def is_safe(address: str) -> bool:
    """Whether nobody on the way can read or change what goes to an address: TLS, or this machine."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )
