"""Areas from GeoJSON: what is wrong with a property is one line that names its feature."""

import json

import pytest

from perisai.model import BadInputError, parse_areas

SQUARE = {"type": "Polygon", "coordinates": [[[30, 50], [31, 50], [31, 51], [30, 51], [30, 50]]]}


def _collection(**more):
    feature = {"type": "Feature", "properties": {"code": "A"} | more, "geometry": SQUARE}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


def test_centroid_and_size_are_taken_where_given():
    areas = parse_areas(_collection(centroid=[30.2, 50.3], area_km2=314.159265), "a.geojson")
    assert (areas.lon[0], areas.lat[0]) == (30.2, 50.3)
    assert areas.radius_m[0] == pytest.approx(10_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("centroid", "Kyiv"),
        ("centroid", [30.2]),
        ("centroid", [30.2, None]),
        ("centroid", [300.2, 50.3]),
        ("area_km2", "large"),
        ("area_km2", -3),
        ("population", "many"),
        ("population", -1),
    ],
)
def test_a_property_of_another_kind_is_named(name, value):
    with pytest.raises(BadInputError, match=rf"a\.geojson: feature 1: properties\.{name}: "):
        parse_areas(_collection(**{name: value}), "a.geojson")
