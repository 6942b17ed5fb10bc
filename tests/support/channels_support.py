"""What the tests of the channels share: areas, alerts and messages."""

from pathlib import Path

import msgspec

from perisai.alerting import CapSettings, CapWriter
from perisai.model import Alert, AlertChange, Areas, parse_areas

START_US = 1_767_225_600_000_000
SECOND_US = 1_000_000
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""Of webhooks."""
UKRAINE = Path(__file__).parents[2] / "src/perisai/data/ukraine/communities.geojson"


def ukraine() -> Areas:
    return parse_areas(UKRAINE.read_bytes(), str(UKRAINE))


def squares(n: int = 3) -> Areas:
    features = []
    for i in range(n):
        lon = 30.0 + i
        ring = [[lon, 50.0], [lon + 0.2, 50.0], [lon + 0.2, 50.2], [lon, 50.2], [lon, 50.0]]
        features.append(
            {
                "type": "Feature",
                "properties": {"code": f"A{i}", "name_uk": f"Місто {i}", "name_en": f"Town {i}", "population": 1000},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return parse_areas(msgspec.json.encode({"type": "FeatureCollection", "features": features}), "squares")


def an_alert(area: str = "A0", level: str = "alarm", **more) -> Alert:
    return Alert(
        **{
            "identifier": f"{area}.{level}",
            "area": area,
            "level": level,
            "threat": "drone",
            "start_us": START_US,
            "eta_s": 300.0,
            "probability": 0.8,
            "tracks": (7,),
            "reason": "One drone heads here.",
            **more,
        }
    )


def messages(
    areas: Areas, *alerts: Alert, mode="actual", kind="raised", writer: CapWriter | None = None, at_s: int = 0
):
    writer = writer or CapWriter(areas, CapSettings(), mode)
    at_us = START_US + at_s * SECOND_US
    return writer.step([AlertChange(kind, alert, at_us) for alert in alerts], at_us)
