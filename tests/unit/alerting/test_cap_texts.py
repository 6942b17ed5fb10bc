"""Catalogues, plurals, cell-broadcast limits and the drawing of areas."""

from datetime import UTC, datetime
from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest
import shapely
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po

from perisai.alerting import texts
from perisai.alerting.cap_area import polygons
from perisai.alerting.texts import EVENTS, THREATS, Catalogue, Situation, Text
from perisai.alerting.texts_cell import cell_text, measure
from perisai.model import BadInputError

HEADER = 'msgid ""\nmsgstr ""\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
LANGUAGES = ("uk-UA", "en-US", "id")


def situation(**more):
    return Situation(**{"level": "alarm", "threat": "drone", "mode": "actual", **more})


def said_in_code() -> set[str]:
    source = Path(texts.__file__)
    with source.open("rb") as file:
        found = extract_python(file, ["N_", "say", "ngettext"], [], {})
        messages = {m for _, _, m, _ in found if m}
    return {m if isinstance(m, str) else m[0] for m in messages}


@pytest.mark.parametrize("language", ["uk", "en", "id"])
def test_every_message_of_the_code_is_translated(language):
    with files("perisai.alerting").joinpath(f"catalogues/{language}.po").open("rb") as file:
        catalogue = read_po(file)
    known = {m.id if isinstance(m.id, str) else m.id[0] for m in catalogue if m.id}
    assert known == said_in_code()
    for message in catalogue:
        if message.id:
            assert all([message.string] if isinstance(message.string, str) else message.string), message.id


def test_english_catalogue_says_what_the_code_says():
    with files("perisai.alerting").joinpath("catalogues/en.po").open("rb") as file:
        for message in read_po(file):
            assert not message.id or message.id == message.string


@pytest.mark.parametrize(
    ("minutes", "form"), [(1, "хвилину"), (2, "хвилини"), (5, "хвилин"), (11, "хвилин"), (21, "хвилину")]
)
def test_ukrainian_counts(minutes, form):
    arrival = datetime(2026, 1, 1, 2, 34, tzinfo=UTC)
    text = Catalogue("uk-UA").render(situation(arrival_s=60.0 * minutes, arrival=arrival), "Перша")
    assert f"{minutes} {form} (02:34)." in text.description


def test_an_arrival_within_the_minute_is_said_without_a_number():
    text = Catalogue("en").render(situation(arrival_s=-5.0, arrival=datetime(2026, 1, 1, tzinfo=UTC)), "X")
    assert text.description == "It may reach this area at any moment."


def test_a_missile_says_cover_and_a_drone_says_shelter():
    english = Catalogue("en-US")
    assert english.render(situation(threat="ballistic"), "X").instruction.startswith("Take cover now, where you are")
    assert english.render(situation(threat="drone"), "X").instruction.startswith("Go to a shelter now")


def test_a_catalogue_of_the_user_is_added_and_wins(tmp_path):
    (tmp_path / "pl.po").write_text(
        'msgid ""\nmsgstr ""\n"Language: pl\\n"\n\nmsgid "Air raid alert"\nmsgstr "Alarm"\n'
    )
    assert Catalogue("pl-PL", str(tmp_path)).render(situation(), "Lublin").event == "Alarm"
    (tmp_path / "uk.po").write_text(
        'msgid ""\nmsgstr ""\n"Language: uk\\n"\n\nmsgid "Air raid alert"\nmsgstr "Тривога"\n'
    )
    assert Catalogue("uk-UA", str(tmp_path)).render(situation(), "Перша").event == "Тривога"


def test_a_language_without_catalogue_is_refused():
    with pytest.raises(BadInputError, match="languages: fr"):
        Catalogue("fr")


@pytest.mark.parametrize("said", ["{event}: {place}.", "{event}", "{event}: {area"])
def test_a_catalogue_that_loses_a_placeholder_is_refused(tmp_path, said):
    (tmp_path / "pl.po").write_text(HEADER + f'msgid "{{event}}: {{area}}."\nmsgstr "{said}"\n')
    with pytest.raises(BadInputError, match=r"pl\.po"):
        Catalogue("pl", str(tmp_path))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_text_fits_a_few_pages_of_cell_broadcast_whole(language):
    catalogue = Catalogue(language)
    arrival = datetime(2026, 1, 1, 2, 34, tzinfo=UTC)
    for level, threat, mode in product(EVENTS, THREATS, ("actual", "exercise", "test")):
        text = catalogue.render(
            situation(level=level, threat=threat, mode=mode, lowered=True, arrival_s=720.0, arrival=arrival),
            "Н" * 30 if language == "uk-UA" else "N" * 30,
        )
        cell = cell_text(text)
        assert cell.pages <= (14 if language == "uk-UA" else 7)
        assert cell.text == f"{text.headline} {text.instruction} {text.description}"
        assert cell.coding == ("ucs2" if language == "uk-UA" else "gsm7")
        assert len(text.headline) <= 160


def test_limits_of_cell_broadcast():
    assert measure("en", "a" * 1395).pages == 15
    assert measure("en", "a" * 1396) is None
    assert measure("en", "€" * 697).units == 1394
    assert measure("en", "€" * 698) is None
    assert measure("uk", "ї" * 615).pages == 15
    assert measure("uk", "ї" * 616) is None
    assert measure("uk", "😀" * 307).units == 614
    assert measure("uk", "😀" * 308) is None


def test_a_text_too_long_loses_its_last_sentences_first():
    cell = cell_text(Text("uk", "", "Головне.", "Опис. " + "й" * 600 + ".", "Сховайтеся. Чекайте."))
    assert cell.text == "Головне. Сховайтеся. Чекайте. Опис."
    assert measure("uk", cell_text(Text("uk", "", "ж" * 900, "", "")).text) is not None


def rings(geometry, tolerance_m=150.0):
    out = []
    for text in polygons(geometry, tolerance_m):
        pairs = [tuple(float(x) for x in pair.split(",")) for pair in text.split()]
        assert len(pairs) >= 4
        assert pairs[0] == pairs[-1]
        out.append(shapely.Polygon([(lon, lat) for lat, lon in pairs]))
        assert out[-1].is_valid
    return out


def test_the_people_in_a_hole_are_not_alerted():
    ring = shapely.Polygon(
        shapely.box(30, 50, 31, 51).exterior.coords, [shapely.box(30.4, 50.4, 30.6, 50.6).exterior.coords]
    )
    drawn = rings(ring)
    assert not any(part.contains(shapely.Point(30.5, 50.5)) for part in drawn)
    assert shapely.union_all(drawn).area == pytest.approx(ring.area, rel=1e-6)


def test_a_tiny_area_is_still_drawn_or_left_to_the_circle():
    assert len(rings(shapely.box(30, 50, 30.001, 50.001))) == 1
    assert rings(shapely.box(30, 50, 30.000001, 50.000001)) == []
