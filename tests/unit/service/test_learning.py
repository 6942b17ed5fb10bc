"""Learning settings step by step: what foresees the nights better is taken, what does not is left, nights are apart."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from made_up_region import T0_US, chessboard, track_rows

from perisai.forecasting import Forecaster, ForecastSettings, Motion, fit
from perisai.model import BadInputError, build, split_frames, time_us
from perisai.service import learning
from perisai.service.learning import learn, log_score, truth_of


def zigzag(seed: int, objects: int = 10, sigma_deg: float = 60.0, rows: int = 90) -> pa.Table:
    """Drones eastward in legs of 120 to 240 s that scatter about 90 degrees: more restless than the defaults think."""
    rng = np.random.default_rng(seed)
    parts = []
    for track in range(objects):
        x, y, left, course = rng.uniform(0, 3), rng.uniform(3, 9), 0.0, 0.0
        for k in range(rows):
            if left <= 0.0:
                left, course = rng.uniform(120.0, 240.0), np.radians(rng.normal(0.0, sigma_deg))
            ve, vn = 50.0 * np.cos(course), 50.0 * np.sin(course)
            parts.append(track_rows((x, y), (ve, vn), np.zeros(1), track=track, time=[T0_US + k * 30_000_000 + track]))
            x, y, left = x + 30.0 * ve / 20_000.0, y + 30.0 * vn / 20_000.0, left - 30.0
    return pa.concat_tables(parts).sort_by("time")


def test_restless_drones_are_learned_and_foreseen_better_on_a_night_not_learned_from():
    areas, present = chessboard(), ForecastSettings()
    learned = learn([zigzag(1), zigzag(2)], areas, "drone", present)
    assert learned.steps
    assert learned.after < learned.before
    held = zigzag(3)
    before, after = (log_score(held, truth_of(held), areas, s) for s in (present, learned.settings))
    assert after < before * 0.99
    assert learned.settings.cruise == present.cruise


def test_steps_are_chosen_by_the_score_that_judges_the_whole():
    """Forecasts further apart say the contrary of some steps."""
    areas, present, night = chessboard(), ForecastSettings(), zigzag(1, 6)
    learned = learn([night], areas, "drone", present)
    scores = [log_score(night, truth_of(night), areas, s) for s in (present, learned.settings)]
    assert [learned.before, learned.after] == pytest.approx(scores)


def test_a_step_that_one_night_gainsays_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    """The first night gains by every change and the second loses by it: the present settings stay."""
    present = ForecastSettings()
    nights = [zigzag(1, 6), zigzag(2, 6)]
    marks = {id(night): k for k, night in enumerate(nights)}

    def score(night: pa.Table, truth: pa.Table, areas: object, settings: ForecastSettings, beat_s: int = 60) -> float:
        changed = settings != present
        return 1.0 - 0.2 * changed if marks[id(night)] == 0 else 1.0 + 0.1 * changed

    monkeypatch.setattr(learning, "log_score", score)
    learned = learn(nights, chessboard(), "drone", present)
    assert learned.settings == present
    assert learned.steps == ()


def test_the_same_number_on_another_night_is_another_path():
    night = zigzag(1)
    later = night.set_column(0, "time", build("tracks", {"time": time_us(night["time"]) + 86_400_000_000})["time"])
    one = fit(night, chessboard(), "drone", ForecastSettings())
    two = fit(pa.concat_tables([night, later]), chessboard(), "drone", ForecastSettings())
    assert two.hours == pytest.approx(2.0 * one.hours)
    assert two.turns == 2 * one.turns
    assert two.settings.drone == one.settings.drone


def test_rows_taken_in_batches_give_what_frames_give():
    night = zigzag(4, 4, rows=40)
    areas, settings = chessboard(), ForecastSettings(period_s=60)
    by_frame, by_batch = Forecaster(areas, settings), Forecaster(areas, settings)
    framed = {f.end_us: t for f in split_frames(night, "tracks") if (t := by_frame.step(f.table, f.end_us)).num_rows}
    batched = {end: t for rows, end in learning._batches(night) if (t := by_batch.step(rows, end)).num_rows}
    shared = sorted(set(framed) & set(batched))
    assert len(shared) >= 15
    for end in shared:
        assert framed[end].equals(batched[end])


def test_the_end_of_a_recording_is_nobody_coming_down():
    """Forecasts whose horizon reaches past the recording are not judged: a short recording has none to judge."""
    short, longer = zigzag(1, rows=38), zigzag(1, rows=60)
    with pytest.raises(BadInputError, match="before its last 20 min"):
        log_score(short, truth_of(short), chessboard(), ForecastSettings())
    assert log_score(longer, truth_of(longer), chessboard(), ForecastSettings()) > 0.0


def test_a_step_out_of_bounds_is_no_step():
    present = ForecastSettings(drone=Motion(turns_per_hour=9.0, leg_min_s=390.0))
    longer = msgspec.structs.replace(present.drone, turns_per_hour=6.0, leg_min_s=585.0)
    assert longer.leg_min_s < 3600.0 / longer.turns_per_hour
    never = learning._scaled(("leg_min_s",), (2.0,))
    assert learning._valid(never, present, "drone") is None
