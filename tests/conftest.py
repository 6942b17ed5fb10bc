"""Where the tests find real data: ../shared when it is there, the copies in tests/golden when not."""

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
GOLDEN = Path(__file__).parent / "golden"


ORDER = ("unit", "property", "golden", "scenario", "fault", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick ones first; the browser last, because its driver keeps an event loop in the main thread."""
    tests = Path(__file__).parent
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(tests).parts[0]))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data folder beside the repository; the test is skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not here")
    return SHARED


@pytest.fixture(scope="session")
def traffic() -> Callable[[str], tuple[Path, Path]]:
    """(recorded flights, areas under them) of `alpine` or `britain`: whole from ../shared, else the cut that ships."""
    whole = {"alpine": "switzerland.json.gz", "britain": "opensky_plane_states.csv"}
    cut = {"alpine": "switzerland_cut.json.gz", "britain": "opensky_cut.csv.gz"}

    def of(region: str) -> tuple[Path, Path]:
        if SHARED.is_dir():
            return SHARED / "traffic" / whole[region], SHARED / "geo" / f"{region}_areas.geojson"
        return GOLDEN / "captures" / cut[region], GOLDEN / "areas" / f"{region}_areas.geojson"

    return of
