"""Texts that fit cell broadcast (3GPP TS 23.041 9.4.2.2.5: 15 pages of 82 octets).

GSM 7-bit (3GPP TS 23.038 6.2.1) packs 93 characters a page, 1,395 in all; anything else goes as UCS-2, 41 a page, 615.
"""

import msgspec

from .texts import Text

PAGES = 15
GSM7_A_PAGE = 93
UCS2_A_PAGE = 41

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_ESCAPED = frozenset("\f^{}\\[~]|€")
"""Characters of the extension table: two septets each."""


class CellText(msgspec.Struct, frozen=True):
    """A text ready for a cell broadcast centre. units: septets (gsm7) or 16-bit words (ucs2). pages: 1 to 15."""

    language: str
    text: str
    coding: str
    units: int
    pages: int


def measure(language: str, text: str) -> CellText | None:
    """The text with its coding and size, or nothing when it is longer than 15 pages."""
    if all(character in GSM7 or character in GSM7_ESCAPED for character in text):
        coding, a_page = "gsm7", GSM7_A_PAGE
        units = sum(1 + (character in GSM7_ESCAPED) for character in text)
    else:
        coding, a_page = "ucs2", UCS2_A_PAGE
        units = len(text.encode("utf-16-be", "surrogatepass")) // 2
    pages = max(1, -(-units // a_page))
    return CellText(language, text, coding, units, pages) if pages <= PAGES else None


def cell_text(text: Text) -> CellText:
    """Headline, instruction and description, in this order of worth, cut to what cell broadcast carries.

    What does not fit is left out from the end, sentence by sentence; a headline that is too long alone (a user's area
    with a very long name) is cut with an ellipsis. The result always fits.
    """
    sentences = [text.headline, *_sentences(text.instruction), *_sentences(text.description)]
    while sentences:
        fitted = measure(text.language, " ".join(sentences))
        if fitted is not None:
            return fitted
        if len(sentences) == 1:
            break
        sentences.pop()
    headline = text.headline
    while True:
        headline = headline[: len(headline) * 9 // 10]
        fitted = measure(text.language, headline.rstrip() + "...")
        if fitted is not None:
            return fitted


def _sentences(paragraph: str) -> list[str]:
    parts = paragraph.split(". ")
    return [part + "." for part in parts[:-1]] + parts[-1:]
