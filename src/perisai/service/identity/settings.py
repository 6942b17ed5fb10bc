"""What the service asks of who comes."""

import msgspec

from perisai.model import BadInputError


class IdentitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[identity]`. sign_in_to_view: the picture needs an account, not only acting on it. session_hours: a sign-in."""

    sign_in_to_view: bool = True
    session_hours: float = 12.0

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        if not 0 < self.session_hours <= 168:
            raise BadInputError("identity.session_hours", str(self.session_hours), "above 0, at most 168 hours")
