"""Every ending of a reason that the alerting writes is one that the console can say in the language of the page."""

from pathlib import Path

from perisai.alerting import reason

CONSOLE = Path(__file__).parents[3] / "console/src/shared/reason.ts"


def test_the_console_knows_every_ending():
    endings = [text for name, text in vars(reason).items() if name.isupper() and isinstance(text, str)]
    known = CONSOLE.read_text(encoding="utf-8")
    assert len(endings) >= 6
    assert [text for text in endings if f"'{text}':" not in known] == []
