"""What people read: short, calm, exact sentences in their language, from message catalogues.

The English text is the key (gettext). `catalogues/<language>.po` translates it; a file of that name in the user's own
folder wins. A message that a catalogue lacks is said in English rather than not at all.
"""

import gettext
import io
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any

import msgspec
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from perisai.model import BadInputError, Level, Mode, Threat


def N_(message: str) -> str:
    """The mark by which Babel finds a message to translate later."""
    return message


EVENTS = {"alarm": N_("Air raid alert"), "watch": N_("Air threat watch"), "clear": N_("All-clear")}
THREATS: dict[Threat, str] = {
    "drone": N_("Threat of attack drones"),
    "cruise": N_("Threat of cruise missiles"),
    "ballistic": N_("Threat of ballistic missiles"),
    "glide_bomb": N_("Threat of glide bombs"),
    "aircraft": N_("Threat of combat aircraft"),
    "other": N_("Threat from the air"),
}
SHELTER = N_(
    "Go to a shelter now. If none is near, stay behind two walls, away from windows. Stay there until the all-clear."
)
COVER = N_(
    "Take cover now, where you are: behind two walls, away from windows. Go to a shelter only if it is beside you. "
    "Stay there until the all-clear."
)
PREPARE = N_(
    "Be ready: know the way to the nearest shelter, keep your phone on and take documents and water. "
    "Wait for further messages."
)
LEAVE = N_(
    "You may leave the shelter. Do not touch fragments or unknown objects; tell the emergency services about them."
)
PASSED = N_("The threat to this area has passed.")
LOWERED = N_("The danger is no longer immediate, but the threat remains.")
SOON = N_("It may reach this area at any moment.")
UNKNOWN_ARRIVAL = N_("The time of arrival is not known.")
MARKS: dict[Mode, str] = {"exercise": N_("EXERCISE"), "test": N_("TEST")}
MARK_SENTENCES: dict[Mode, str] = {
    "exercise": N_("This is only an exercise. You need do nothing."),
    "test": N_("This is only a test. You need do nothing."),
}


class Text(msgspec.Struct, frozen=True):
    """One message in one language; every part carries the mark of an exercise or a test."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a text tells. level: `clear` for the all-clear. lowered: the level fell from alarm to watch.

    arrival_s: seconds until the expected arrival, or null; arrival: the same as local time.
    """

    level: Level | str
    threat: Threat
    mode: Mode
    lowered: bool = False
    arrival_s: float | None = None
    arrival: datetime | None = None


class Catalogue:
    """The messages of one language.

    language: RFC 3066 tag; `uk-UA.po` is looked for first, then `uk.po`, in `folder` and then among the shipped ones.
    Raises BadInputError when there is none for the language (English needs none), or a file is not a catalogue.
    """

    def __init__(self, language: str, folder: str = "") -> None:
        self.language = language
        self._translations: gettext.NullTranslations = gettext.NullTranslations()
        content, source = _find(language, folder)
        if content is not None:
            self._translations = _compile(content, source)

    def render(self, situation: Situation, area: str) -> Text:
        """The texts of a situation in an area whose name is given in this language."""
        say = self._translations.gettext
        event = say(EVENTS[situation.level])
        headline = say("{event}: {area}.").format(event=event, area=area)
        if situation.level == "clear":
            description, instruction = say(PASSED), say(LEAVE)
        else:
            headline += f" {say(THREATS[situation.threat])}."
            description = " ".join([say(LOWERED)] * situation.lowered + [self._arrival(situation)])
            instruction = say(_instruction(situation.level, situation.threat))
        if situation.mode == "actual":
            return Text(self.language, event, headline, description, instruction)
        mark, sentence = say(MARKS[situation.mode]), say(MARK_SENTENCES[situation.mode])
        return Text(
            self.language,
            f"{mark}: {event}",
            f"{mark}: {headline}",
            f"{mark}: {sentence} {description}",
            f"{mark}: {sentence} {instruction}",
        )

    def note(self, mode: Mode) -> str:
        """What the whole message is, for its `note`, or empty when it is an actual one."""
        return "" if mode == "actual" else self._translations.gettext(MARK_SENTENCES[mode])

    def _arrival(self, situation: Situation) -> str:
        if situation.arrival_s is None or situation.arrival is None:
            return self._translations.gettext(UNKNOWN_ARRIVAL)
        if situation.arrival_s < 60.0:
            return self._translations.gettext(SOON)
        minutes = int(situation.arrival_s + 30.0) // 60
        message = self._translations.ngettext(
            "It may reach this area in about {minutes} minute, at {time}.",
            "It may reach this area in about {minutes} minutes, at {time}.",
            minutes,
        )
        return message.format(minutes=minutes, time=situation.arrival.strftime("%H:%M"))


def _instruction(level: Level | str, threat: Threat) -> str:
    if level == "watch":
        return PREPARE
    return COVER if threat in ("ballistic", "glide_bomb") else SHELTER


def _find(language: str, folder: str) -> tuple[bytes | None, str]:
    primary = language.split("-", maxsplit=1)[0]
    shipped = files("perisai.alerting").joinpath("catalogues")
    places = ([Path(folder)] if folder else []) + [shipped]
    for place in places:
        for name in (language, primary):
            candidate = place.joinpath(f"{name}.po")
            if candidate.is_file():
                return candidate.read_bytes(), str(candidate)
    if primary == "en":
        return None, ""
    raise BadInputError(f"languages: {language}", "no message catalogue", f"{primary}.po in the folder `catalogues`")


def _compile(content: bytes, source: str) -> gettext.GNUTranslations:
    try:
        catalogue = read_po(io.BytesIO(content), charset="utf-8", abort_invalid=True)
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        raise BadInputError(source, str(error), "a gettext catalogue (.po, UTF-8)") from error
    for message in catalogue:
        for original, said in zip(_strings(message.id), _strings(message.string), strict=False):
            if said and _fields(said) != _fields(original):
                raise BadInputError(f"{source}: {original!r}", repr(said), "the placeholders of the English text")
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _strings(value: Any) -> list[str]:
    """The forms of a message; of a plural, the last form stands for the rest that the other side lacks."""
    if isinstance(value, str):
        return [value]
    forms: list[str] = list(value)
    return forms + forms[-1:] * (6 - len(forms))


def _fields(text: str) -> set[str] | None:
    """Names of the placeholders, or nothing when the braces do not match."""
    try:
        return {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError:
        return None
