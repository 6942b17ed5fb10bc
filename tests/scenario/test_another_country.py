"""Any other country's areas and names work: West Java, south of the equator, areas made here from settlements."""

import json

import numpy as np
import pyarrow as pa
import pytest
from lxml import etree

from perisai.alerting import CapSettings
from perisai.evaluation import score_alerts
from perisai.model import Areas, alerts_table, build, parse_areas, split_frames
from perisai.service.config import Config
from perisai.service.pipeline import AlertBook, AlertStage

# Towns and their residents, rounded (census of 2020), with the place of each to a kilometre.
SETTLEMENTS = {
    "Jakarta Utara": (-6.14, 106.88, 1_780_000), "Bekasi": (-6.24, 106.99, 2_540_000),
    "Depok": (-6.40, 106.82, 2_060_000), "Bogor": (-6.60, 106.80, 1_040_000), "Cibinong": (-6.48, 106.85, 360_000),
    "Cianjur": (-6.82, 107.14, 170_000), "Sukabumi": (-6.92, 106.93, 350_000), "Purwakarta": (-6.56, 107.44, 180_000),
    "Karawang": (-6.31, 107.30, 170_000), "Cimahi": (-6.87, 107.54, 570_000), "Bandung": (-6.91, 107.61, 2_440_000),
    "Subang": (-6.57, 107.76, 140_000), "Sumedang": (-6.86, 107.92, 110_000), "Garut": (-7.22, 107.90, 140_000),
    "Cirebon": (-6.73, 108.55, 330_000), "Tasikmalaya": (-7.33, 108.22, 720_000),
}  # fmt: skip
T0_US = 1_790_000_000_000_000
M_DEG = 111_000.0


def made_areas() -> Areas:
    """A square about each settlement, larger for more residents; names in Indonesian and English, no parent."""
    features = []
    for number, (name, (lat, lon, residents)) in enumerate(SETTLEMENTS.items()):
        half = (4_000.0 + 3.0 * residents**0.5) / M_DEG
        ring = [[lon + half * x, lat + half * y] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
        properties = {"code": f"ID.{number:02d}", "name_id": name, "name_en": f"{name} town", "population": residents}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return parse_areas(json.dumps({"type": "FeatureCollection", "features": features}), "settlements")


def flight() -> dict[str, np.ndarray]:
    """From the Java Sea off Karawang over Purwakarta to Bandung at 50 m/s, where it comes down."""
    corners = np.array([(-5.60, 107.35), (-6.56, 107.44), (-6.91, 107.61)])
    metres = corners * M_DEG * [1.0, np.cos(np.radians(6.5))]
    legs = np.hypot(*np.diff(metres, axis=0).T)
    reached = np.concatenate([[0.0], np.cumsum(legs)]) / 50.0
    t = np.arange(0.0, reached[-1], 10.0)
    leg = np.minimum(np.searchsorted(reached, t, side="right") - 1, 1)
    course = np.diff(metres, axis=0) / legs[:, None]
    return {
        "time": (T0_US + t * 1e6).astype(np.int64), "lat": np.interp(t, reached, corners[:, 0]),
        "lon": np.interp(t, reached, corners[:, 1]), "alt_m": np.full(len(t), 800.0),
        "vn_mps": 50.0 * course[leg, 0], "ve_mps": 50.0 * course[leg, 1],
    }  # fmt: skip


@pytest.fixture(scope="module")
def night():
    """Areas, truth, alerts and CAP messages of one drone's way to Bandung."""
    areas, path = made_areas(), flight()
    n = len(path["time"])
    truth = build("truth", path | {"object": np.ones(n, int), "kind": ["drone"] * n, "hostile": [True] * n})
    noise = np.random.default_rng(11).normal(0.0, 100.0 / M_DEG, (2, n))
    seen = path | {"lat": path["lat"] + noise[0], "lon": path["lon"] + noise[1]}
    columns = seen | {"track": np.ones(n, int), "existence": np.ones(n), "p_drone": np.ones(n)}
    tracks = build("tracks", columns | {"status": ["confirmed"] * n, "p_ee": [1e4] * n, "p_nn": [1e4] * n})
    stage, book, cap = (
        AlertStage(areas, Config(cap=CapSettings(languages=("id", "en"), geocode="BPS"))),
        AlertBook(),
        [],
    )
    for frame in split_frames(tracks, "tracks"):
        step = stage.step(frame.table, frame.end_us)
        cap += step.cap
        for change in step.changes:
            book.apply(change)
    return areas, truth, alerts_table(book.alerts()), cap


def alarmed(areas: Areas, alerts: pa.Table) -> set[str]:
    named = dict(zip(areas.code, SETTLEMENTS, strict=True))
    return {named[row["area"]] for row in alerts.to_pylist() if row["level"] == "alarm"}


def test_the_places_on_its_way_are_warned_in_time_and_those_far_off_are_not(night):
    areas, truth, alerts, _ = night
    scores = score_alerts(alerts, truth, areas)
    assert scores.events >= 2
    assert scores.in_time == 1.0
    names = alarmed(areas, alerts)
    assert {"Purwakarta", "Bandung"} <= names
    assert not names & {"Bogor", "Jakarta Utara", "Cirebon", "Tasikmalaya", "Garut", "Sukabumi"}


def test_the_messages_name_the_place_in_its_languages(night):
    ns = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
    _, _, _, cap = night
    first = next(m for m in cap if m.area == "ID.10" and m.level == "alarm")
    root = etree.fromstring(first.xml)
    assert [e.text for e in root.findall("c:info/c:language", ns)] == ["id", "en"]
    assert [e.text for e in root.findall("c:info/c:area/c:areaDesc", ns)] == ["Bandung", "Bandung town"]
    assert root.findtext("c:info/c:area/c:geocode/c:valueName", namespaces=ns) == "BPS"
    assert all(len(cell.text) <= 1395 for cell in first.cell)
