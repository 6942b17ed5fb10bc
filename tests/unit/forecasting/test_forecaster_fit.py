"""Learning how objects fly: known turn hazards are found again, and a fit that foresees no better is refused."""

import json

import msgspec
import numpy as np
import pyarrow as pa
import pytest
import shapely
from made_up_region import T0_US, chessboard, middle

from perisai.cli import main
from perisai.forecasting import ForecastSettings, Motion, fit
from perisai.model import Areas, BadInputError, build
from perisai.recording import write_table


def night(seed: int, objects: int = 40, leg_s: float = 400.0, sigma_deg: float = 25.0) -> pa.Table:
    """Drones from the west edge eastward: legs of 300 s to 2 leg_s - 300 s about a course of 90 degrees; 30 s rows."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list] = {"time": [], "track": [], "lat": [], "lon": [], "ve_mps": [], "vn_mps": []}
    for track in range(objects):
        lat, lon = middle(0, rng.uniform(2, 9))
        left, course = 0.0, 0.0
        for k in range(100):
            if left <= 0.0:
                left, course = rng.uniform(300.0, 2 * leg_s - 300.0), np.radians(rng.normal(0.0, sigma_deg))
            ve, vn = 50.0 * np.cos(course), 50.0 * np.sin(course)
            row = (T0_US + k * 30_000_000, track, lat, lon, ve + rng.normal(0, 1), vn + rng.normal(0, 1))
            for values, value in zip(parts.values(), row, strict=True):
                values.append(value)
            lat, lon, left = lat + 30 * vn / 111_220, lon + 30 * ve / (111_220 * np.cos(np.radians(lat))), left - 30.0
    n = len(parts["time"])
    more = {"existence": np.ones(n), "status": ["confirmed"] * n, "p_drone": np.ones(n)}
    return build("tracks", parts | more)


def test_known_turns_are_found_again():
    found = fit(night(1), chessboard(), "drone", ForecastSettings())
    motion = found.settings.drone
    assert motion.turns_per_hour == pytest.approx(9.0 * 0.7, rel=0.25)  # turns under 12 degrees are not seen
    assert 200.0 < motion.leg_min_s < 420.0
    assert motion.course_pull > 0.75
    assert motion.turn_sigma_deg == pytest.approx(29.0, abs=7.0)
    assert found.settings.cruise == ForecastSettings().cruise


def test_too_few_turns_are_refused():
    with pytest.raises(BadInputError, match="at least 30 turns"):
        fit(night(1, objects=2), chessboard(), "drone", ForecastSettings())


def geojson(areas: Areas) -> str:
    features = [
        {
            "type": "Feature", "properties": {"code": code, "name_en": code, "population": 10_000, "parent": parent},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for code, parent, shape in zip(areas.code, areas.parent, areas.geometry, strict=True)
    ]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features})


def write(tmp_path, wrong: Motion) -> list[str]:
    for name, seed in (("learn", 1), ("held", 2)):
        write_table(night(seed, 12 if name == "held" else 40), tmp_path / f"{name}.parquet")
    (tmp_path / "areas.geojson").write_text(geojson(chessboard()))
    lines = [f"{name} = {value}" for name, value in msgspec.to_builtins(wrong).items()]
    (tmp_path / "now.toml").write_text("\n".join(["[forecasting.drone]", *lines]) + "\n")
    files = {"--holdout": "held.parquet", "-o": "fitted.toml", "--areas": "areas.geojson", "--config": "now.toml"}
    flags = [part for flag, name in files.items() for part in (flag, str(tmp_path / name))]
    return ["fit", str(tmp_path / "learn.parquet"), *flags, "--json"]


def test_a_fit_that_foresees_better_is_written(tmp_path, capsys):
    main(write(tmp_path, Motion(turns_per_hour=30.0, leg_min_s=0.0, turn_sigma_deg=90.0, course_pull=0.0)))
    figures = json.loads(capsys.readouterr().out)
    assert figures["log_score"] < figures["log_score_before"]
    assert "turns_per_hour" in (tmp_path / "fitted.toml").read_text()


def test_a_fit_that_foresees_no_better_is_refused_with_its_figures(tmp_path, capsys):
    held = night(2, 12)
    arguments = write(tmp_path, fit(night(2, 40), chessboard(), "drone", ForecastSettings()).settings.drone)
    # Learned from nights unlike the one held out: it turns back and forth all the time.
    write_table(night(3, leg_s=310.0, sigma_deg=80.0), tmp_path / "learn.parquet")
    write_table(held, tmp_path / "held.parquet")
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "log score" in capsys.readouterr().err
    assert not (tmp_path / "fitted.toml").exists()
