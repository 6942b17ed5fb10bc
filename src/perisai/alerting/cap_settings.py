"""Settings of the CAP messages: who sends, how long a message holds, languages and how areas are drawn."""

import re
from zoneinfo import ZoneInfo

import msgspec

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/%?=&-]*)?")
_SPACE_OR_MARKUP = re.compile(r"[^\x21-\x7e]|[,<&]")


class CapSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How CAP messages are written; a wrong value is refused with its field (ValueError, ValidationError from TOML).

    sender: globally unique name of the sender, by convention a mail or host name (CAP 1.2, 3.2.1: no spaces, commas,
    `<` or `&`). languages: RFC 3066 tags, one `info` each, in order. time_zone: IANA name, for hours read by people.
    validity_s: from `sent` to `expires`; a message is renewed `renew_before_s` before, so a dead sender's alert ends.
    all_clear_validity_s: the same for the all-clear. shelter_s: an arrival nearer than this is urgency Immediate at
    every level. arrival_change_s: an arrival that moves by less is told with the next renewal only.
    geocode: valueName of the area's code. tolerance_m: how far a drawn border may leave the true one.
    area_forms: per language, ending of a name -> how it reads, `{name}` in it (uk: а -> "{name} громада").
    catalogues: folder of further message catalogues (`<language>.po`), which win over the shipped ones.
    """

    sender: str = "perisai.localhost"
    sender_name: str = ""
    languages: tuple[str, ...] = ("uk-UA", "en-US", "id")
    time_zone: str = "Europe/Kyiv"
    validity_s: float = 1800.0
    renew_before_s: float = 300.0
    all_clear_validity_s: float = 1800.0
    shelter_s: float = 300.0
    arrival_change_s: float = 120.0
    geocode: str = "KATOTTG"
    tolerance_m: float = 150.0
    area_forms: dict[str, dict[str, str]] = msgspec.field(default_factory=dict[str, dict[str, str]])
    catalogues: str = ""
    web: str = ""
    contact: str = ""

    def __post_init__(self) -> None:
        if not self.sender or _SPACE_OR_MARKUP.search(self.sender):
            raise ValueError(f"sender: {self.sender!r}; expected a name without spaces, commas, < or &")
        if not self.languages:
            raise ValueError("languages: none; expected at least one language tag, such as uk-UA")
        for language in self.languages:
            if not _LANGUAGE.fullmatch(language):
                raise ValueError(f"languages: {language!r}; expected a language tag, such as uk-UA")
        if not 60.0 <= self.validity_s <= 86_400.0 or not 60.0 <= self.all_clear_validity_s <= 86_400.0:
            raise ValueError("validity_s, all_clear_validity_s: out of range; expected 60 to 86400 seconds")
        if not 0.0 < self.renew_before_s < self.validity_s:
            raise ValueError(f"renew_before_s: {self.renew_before_s}; expected more than 0 and less than validity_s")
        if self.shelter_s < 0.0 or self.arrival_change_s < 0.0:
            raise ValueError("shelter_s, arrival_change_s: negative; expected 0 or more seconds")
        if self.web and not _ADDRESS.fullmatch(self.web):
            raise ValueError(f"web: {self.web!r}; expected an address such as https://example.org/alerts")
        if not 0.0 <= self.tolerance_m <= 5_000.0:
            raise ValueError(f"tolerance_m: {self.tolerance_m}; expected 0 to 5000 metres")
        try:
            ZoneInfo(self.time_zone)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"time_zone: {self.time_zone!r}; expected an IANA name, such as Europe/Kyiv") from error
        for forms in self.area_forms.values():
            for form in forms.values():
                if "{name}" not in form:
                    raise ValueError(f"area_forms: {form!r}; expected a form with {{name}} in it")
