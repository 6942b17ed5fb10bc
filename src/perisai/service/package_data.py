"""Where the data that ships with the package lies."""

from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
COMMUNITIES = DATA / "ukraine" / "communities.geojson"
RAIONS = DATA / "ukraine" / "raions.geojson"
OBLASTS = DATA / "ukraine" / "oblasts.geojson"
BASEMAP = DATA / "basemap" / "countries.geojson"
CONSOLE = Path(__file__).parent / "console_dist"
