"""The CAP life cycle, against the standard and the validator of the World Meteorological Organization."""

import capvalidator
import msgspec
import pytest
from lxml import etree

from perisai.alerting.cap_schema import check
from perisai.alerting.cap_settings import CapSettings
from perisai.alerting.cap_signer import Signer, make_key
from perisai.alerting.cap_writer import CapWriter
from perisai.model import Alert, AlertChange, BadInputError, parse_areas

START_US = 1_767_225_600_000_000
SECOND_US = 1_000_000
CAP = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}


def square(code: str, lon: float, **names: str):
    ring = [[lon, 50.0], [lon + 0.2, 50.0], [lon + 0.2, 50.2], [lon, 50.2], [lon, 50.0]]
    return {
        "type": "Feature",
        "properties": {"code": code, **names, "population": 1000},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


AREAS = parse_areas(
    msgspec.json.encode(
        {
            "type": "FeatureCollection",
            "features": [
                square("A1", 30.0, name_uk="Перша", name_en="Persha", name_id="Pertama"),
                square("A2", 31.0, name_uk="Друга", name_en="Druha"),
            ],
        }
    ),
    "test",
)


def change(kind, identifier="w1", level="watch", at_s=0, follows="", **more):
    alert = Alert(
        **{
            "identifier": identifier,
            "area": "A1",
            "level": level,
            "threat": "drone",
            "start_us": START_US + at_s * SECOND_US * (kind == "raised"),
            "eta_s": 600.0,
            "probability": 0.7,
            "reason": "One drone heads here.",
            **more,
        }
    )
    return AlertChange(kind, alert, START_US + at_s * SECOND_US, follows)


def step(writer, changes, at_s):
    messages = writer.step(changes, START_US + at_s * SECOND_US)
    for message in messages:
        check(message.xml, message.identifier)
        assert capvalidator.check_schema(message.xml).passed
    return messages


def values(message, tag):
    return [element.text for element in etree.fromstring(message.xml).iterfind(f".//c:{tag}", CAP)]


def writer(mode="actual", signer=None, **settings):
    return CapWriter(AREAS, CapSettings(**settings), mode, signer)


def test_alert_update_cancel_of_one_incident():
    cap = writer()
    (alert,) = step(cap, [change("raised")], 0)
    raised = change("raised", "a1", "alarm", 60, follows="w1", eta_s=290.0)
    (update,) = step(cap, [change("ended", at_s=60, end_us=START_US + 60), raised], 60)
    (cancel,) = step(cap, [change("ended", "a1", "alarm", 400)], 400)
    assert [m.msg_type for m in (alert, update, cancel)] == ["Alert", "Update", "Cancel"]
    assert [m.identifier for m in (alert, update, cancel)] == ["w1", "a1", "a1.1"]
    assert {values(m, "incidents")[0] for m in (alert, update, cancel)} == {"w1"}
    assert not values(alert, "references")
    sender = "perisai.localhost"
    assert values(update, "references") == [f"{sender},w1,{values(alert, 'sent')[0]}"]
    assert values(cancel, "references") == [
        f"{sender},w1,{values(alert, 'sent')[0]} {sender},a1,{values(update, 'sent')[0]}"
    ]
    assert values(alert, "responseType") == ["Prepare", "Monitor"] * 3
    assert values(update, "responseType") == ["Shelter"] * 3
    assert values(cancel, "responseType") == ["AllClear"] * 3
    assert values(update, "urgency")[0] == "Immediate"
    assert values(cancel, "urgency")[0] == "Past"
    assert values(update, "onset")[0] == "2026-01-01T02:05:50+02:00"
    assert not values(cancel, "onset")
    assert cap.active() == []


def test_the_order_of_end_and_rise_does_not_matter():
    cap = writer()
    step(cap, [change("raised")], 0)
    messages = step(cap, [change("raised", "a1", "alarm", 60, follows="w1"), change("ended", at_s=60)], 60)
    assert [m.msg_type for m in messages] == ["Update"]
    assert cap.active() == ["a1"]


def test_an_alarm_that_falls_to_watch_says_so():
    cap = writer()
    step(cap, [change("raised", "a1", "alarm")], 0)
    (lower,) = step(cap, [change("ended", "a1", "alarm", 90), change("raised", "w2", "watch", 90, follows="a1")], 90)
    assert lower.msg_type == "Update"
    assert values(lower, "description")[1].startswith("The danger is no longer immediate")


def test_renewed_before_it_expires_for_as_long_as_it_lasts():
    cap = writer()
    sent = step(cap, [change("raised", eta_s=None)], 0)
    for second in range(1, 7300):
        sent += step(cap, [], second)
        assert sent[-1].expires_us > START_US + second * SECOND_US
    assert [m.msg_type for m in sent] == ["Alert"] + ["Update"] * 4
    assert [(m.sent_us - START_US) // SECOND_US for m in sent] == [0, 1500, 3000, 4500, 6000]
    assert len({m.identifier for m in sent}) == 5


def test_a_dead_sender_ends_by_itself():
    (alert,) = step(writer(), [change("raised")], 0)
    assert values(alert, "expires") == ["2026-01-01T02:30:00+02:00"] * 3


def test_an_update_without_news_waits_for_the_renewal():
    cap = writer()
    step(cap, [change("raised")], 0)
    assert step(cap, [change("updated", at_s=10, eta_s=600.0)], 10) == []
    assert [m.msg_type for m in step(cap, [change("updated", at_s=20, eta_s=250.0)], 20)] == ["Update"]
    assert [m.msg_type for m in step(cap, [change("updated", at_s=30, eta_s=250.0, threat="cruise")], 30)] == ["Update"]


def test_an_update_of_a_span_unknown_after_a_loss_of_state_alerts_again():
    cap = writer()
    assert [m.msg_type for m in step(cap, [change("updated")], 0)] == ["Alert"]
    assert step(cap, [change("ended", "lost")], 1) == []
    assert cap.rejects == {"ended_without_open_message": 1}


@pytest.mark.parametrize(
    ("mode", "status", "marks"),
    [("exercise", "Exercise", ("НАВЧАННЯ", "EXERCISE", "LATIHAN")), ("test", "Test", ("ТЕСТ", "TEST", "UJI COBA"))],
)
def test_exercise_and_test_are_marked_everywhere(mode, status, marks):
    cap = writer(mode)
    messages = step(cap, [change("raised", "a1", "alarm", threat="ballistic")], 0)
    messages += step(cap, [change("ended", "a1", "alarm", 60)], 60)
    for message in messages:
        assert values(message, "status") == [status]
        assert values(message, "note")
        for tag in ("event", "headline", "description", "instruction"):
            assert all(text.startswith(mark + ": ") for text, mark in zip(values(message, tag), marks, strict=True))
        assert all(cell.text.startswith(mark) for cell, mark in zip(message.cell, marks, strict=True))


def test_an_actual_message_bears_no_mark():
    (alert,) = step(writer(), [change("raised")], 0)
    assert values(alert, "status") == ["Actual"]
    assert not any(mark in alert.xml.decode() for mark in ("НАВЧАННЯ", "EXERCISE", "TEST", "ТЕСТ", "LATIHAN"))


def test_names_in_their_language_and_form():
    (alert,) = step(writer(area_forms={"uk": {"а": "{name} громада"}}), [change("raised")], 0)
    assert values(alert, "areaDesc") == ["Перша громада", "Persha", "Pertama"]
    assert values(alert, "language") == ["uk-UA", "en-US", "id"]
    assert values(alert, "polygon")[0].split()[0].startswith("50.")


def test_a_checkpoint_goes_on_byte_for_byte():
    def run(broken: bool) -> list[bytes]:
        cap = writer()
        out = step(cap, [change("raised"), change("raised", "x1", area="A2")], 0)
        if broken:
            cap = CapWriter.restore(cap.checkpoint(), AREAS, CapSettings())
        out += step(cap, [change("ended", at_s=60), change("raised", "a1", "alarm", 60, follows="w1")], 60)
        if broken:
            cap = CapWriter.restore(cap.checkpoint(), AREAS, CapSettings())
        out += step(cap, [change("ended", "x1", area="A2", at_s=1600)], 1600)
        return [message.xml for message in out]

    assert run(broken=False) == run(broken=True)


def test_an_exercise_never_goes_on_as_real():
    cap = writer("exercise")
    step(cap, [change("raised")], 0)
    with pytest.raises(BadInputError, match="mode: exercise; expected actual"):
        CapWriter.restore(cap.checkpoint(), AREAS, CapSettings(), "actual")
    with pytest.raises(BadInputError, match="CAP checkpoint"):
        CapWriter.restore(b"\xff nothing", AREAS, CapSettings())


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.oracle
def test_signatures_hold_and_tampering_shows(kind):
    pair = make_key("alerts.example.org", START_US, kind)
    cap = writer(signer=Signer(pair.key_pem, pair.certificate_pem))
    messages = step(cap, [change("raised", "a1", "alarm")], 0) + step(cap, [change("ended", "a1", "alarm")], 60)
    for message in messages:
        assert capvalidator.validate_cap_message(message.xml, strict=True).passed
        forged = message.xml.replace(b"A1</value>", b"A2</value>")
        assert forged != message.xml
        assert not capvalidator.check_signature(forged).passed


def test_a_key_of_another_certificate_is_refused():
    one, other = make_key("one", START_US, "ec"), make_key("other", START_US, "ec")
    with pytest.raises(BadInputError, match="certificate of the signing key"):
        Signer(one.key_pem, other.certificate_pem)
    with pytest.raises(BadInputError, match="private key in PEM"):
        Signer(b"nothing", one.certificate_pem)


@pytest.mark.parametrize("identifier", ["", "a b", "a,b", "a<b", "a&b"])
def test_identifiers_that_cap_forbids_are_refused(identifier):
    with pytest.raises(BadInputError, match="identifier"):
        writer().step([change("raised", identifier)], START_US)


def test_an_unknown_area_is_refused():
    with pytest.raises(BadInputError, match="area: 'A9'"):
        writer().step([change("raised", area="A9")], START_US)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": "two words"},
        {"languages": ()},
        {"languages": ("українська",)},
        {"time_zone": "Europe/Nowhere"},
        {"renew_before_s": 1800.0},
        {"validity_s": 1.0},
        {"web": "javascript:1"},
        {"area_forms": {"uk": {"а": "громада"}}},
    ],
)
def test_wrong_settings_are_refused_with_their_field(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CapSettings(**wrong)
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        msgspec.convert(wrong, CapSettings)
