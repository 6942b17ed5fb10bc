"""What must hold of the tracker whatever the plots: order inside a scan, silence, blocks against full matrices."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from perisai.model import Frame, Sensor, build
from perisai.tracking import Tracker
from perisai.tracking.classify import mix_habits
from perisai.tracking.histories import PAST, remember, update_histories
from perisai.tracking.kalman import update_place
from perisai.tracking.models import AGILE, FAST_MPS, STANDARD, TURN_LASTS_S, prepare
from perisai.tracking.motion import advance
from perisai.tracking.settings import CLASSES, TrackerSettings, motion, rules
from perisai.tracking.work import new_work

SENSOR = Sensor(
    id="s", kind="position", lat=49.0, lon=31.0, max_range_m=100e3, period_s=4.0, sigma_m=100.0, clutter_per_scan=5.0
)
DEAF = Sensor(id="deaf", kind="radar2d", lat=49.0, lon=31.0, max_range_m=100e3, period_s=4.0, clutter_per_scan=5.0)
EPOCH_US = 1_757_000_000_000_000
TURN_DEG_S, SPREAD_DEG_S = 3.3, 1.9
HABIT = np.array([[np.radians(TURN_DEG_S), np.radians(SPREAD_DEG_S) ** 2]])


def _scans(seed: int, scans: int = 12) -> list[dict[str, np.ndarray]]:
    """Five targets close together and clutter, as columns per scan."""
    rng = np.random.default_rng(seed)
    lat, lon = 49.0 + rng.normal(0, 0.006, 5), 31.0 + rng.normal(0, 0.009, 5)
    out = []
    for scan in range(scans):
        seen = rng.random(5) < 0.9
        a = np.concatenate([(lat + 0.002 * scan)[seen] + rng.normal(0, 9e-4, seen.sum()), rng.uniform(48.5, 49.5, 4)])
        o = np.concatenate([lon[seen] + rng.normal(0, 1.3e-3, seen.sum()), rng.uniform(30.5, 31.5, 4)])
        at = np.full(len(a), EPOCH_US + scan * 4_000_000)
        out.append({"time": at, "received": at, "scan": np.full(len(a), scan), "lat": a, "lon": o})
    return out


def _frame(columns: dict[str, np.ndarray], order: np.ndarray, sensor: str = "s") -> Frame:
    table = build("detections", {name: c[order] for name, c in columns.items()} | {"sensor": [sensor] * len(order)})
    return Frame(int(columns["time"][0]), table)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_the_order_of_detections_inside_a_scan_changes_no_byte(seed):
    rng = np.random.default_rng(seed)
    one, other = Tracker([SENSOR]), Tracker([SENSOR])
    rows = 0
    for columns in _scans(seed):
        n = len(columns["lat"])
        first = one.step(_frame(columns, np.arange(n)))
        assert first.equals(other.step(_frame(columns, rng.permutation(n))))
        rows += first.num_rows
    assert rows > 0
    # A checkpoint also holds the rows as they came; what was made of them is the state.
    a, b = one._state(), other._state()
    others = [[array for group in state.others for array in group] for state in (a, b)]
    for mine, theirs in zip((*a.bank, *others[0], a.free), (*b.bank, *others[1], b.free), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_a_sensor_that_sees_nothing_there_never_raises_existence(seed):
    alone, both = Tracker([SENSOR, DEAF]), Tracker([SENSOR, DEAF])
    far = {"lat": np.array([49.4]), "lon": np.array([31.9])}
    for columns in _scans(seed):
        n = len(columns["lat"])
        expected = alone.step(_frame(columns, np.arange(n)))
        table = _frame(columns, np.arange(n)).table
        at = columns["time"][:1]
        blank = build("detections", {"time": at, "received": at, "sensor": ["deaf"], "scan": columns["scan"][:1]} | far)
        found = both.step(Frame(int(at[0]), pa.concat_tables([table, blank])))
        known = dict(zip(expected["track"].to_pylist(), expected["existence"].to_pylist(), strict=True))
        for track, existence in zip(found["track"].to_pylist(), found["existence"].to_pylist(), strict=True):
            if track in known and len(known) == found.num_rows:
                assert existence <= known[track] + 1e-12


def _random_track(rng: np.random.Generator):
    """x (1, 3, 6), p (1, 3, 6, 6) in blocks, mu (1, 3)."""
    x, p = rng.normal(0, 100, (1, 3, 6)), np.zeros((1, 3, 6, 6))
    for m in range(3):
        for block in ([0, 1, 3, 4], [2, 5]):
            root = rng.normal(0, 50, (len(block), len(block)))
            p[0, m][np.ix_(block, block)] = root @ root.T + 10.0 * np.eye(len(block))
    mu = rng.dirichlet(np.ones(3))[None]
    return x, p, mu


def _flight(m: int, dt: float) -> np.ndarray:
    """The transition (6, 6) of straight flight (0) and of a turn to either side: a matrix exponential."""
    from scipy.linalg import expm

    rate = np.radians([0.0, TURN_DEG_S, -TURN_DEG_S][m]) * min(dt, TURN_LASTS_S) / dt
    a = np.zeros((6, 6))
    a[:3, 3:] = np.eye(3)
    a[3, 4], a[4, 3] = rate, -rate
    return expm(a * dt)


def _noise(rules: TrackerSettings, m: int, velocity: np.ndarray, spread2: float) -> np.ndarray:
    """Density (3, 3) of the acceleration, turned into the course's frame as far as the course is known."""
    speed2 = float(velocity @ velocity)
    turning = np.radians(SPREAD_DEG_S) ** 2 * min(speed2, FAST_MPS**2) if m else 0.0
    across = rules.across_noise[m] + turning
    sure = (speed2 / (speed2 + spread2 + 1.0)) ** 2
    along = sure * rules.along_noise[m] + (1 - sure) * max(rules.along_noise[m], across)
    ahead = velocity / np.sqrt(speed2)
    aside = np.array([-ahead[1], ahead[0]])
    q = np.zeros((3, 3))
    q[:2, :2] = along * np.outer(ahead, ahead) + across * np.outer(aside, aside)
    q[2, 2] = rules.vertical_noise[m]
    return q


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 15.0), st.booleans())
def test_prediction_is_the_mixing_and_motion_of_the_full_matrices(seed, dt, coupled):
    x, p, mu = _random_track(np.random.default_rng(seed))
    chosen = TrackerSettings()
    constants = motion(chosen)
    pi = np.zeros((3, 3))
    prepare(constants, dt, pi)
    c = mu[0] @ pi
    w = pi * mu[0][:, None] / c
    mixed = [w[:, j] @ x[0] for j in range(3)]
    spread = [
        sum(w[i, j] * (p[0, i] + np.outer(x[0, i] - mixed[j], x[0, i] - mixed[j])) for i in range(3)) for j in range(3)
    ]
    velocity = sum(c[j] * mixed[j][3:5] for j in range(3))
    means, covs = [], []
    for j in range(3):
        cov = np.array(spread[j])
        if not coupled:
            for a in (2, 5):
                for b in (0, 1, 3, 4):
                    cov[a, b] = cov[b, a] = 0.0
        f = _flight(j, dt)
        q = _noise(chosen, j, velocity, spread[0][3, 3] + spread[0][4, 4])
        noise = np.block([[q * dt**3 / 3, q * dt**2 / 2], [q * dt**2 / 2, q * dt]])
        means.append(f @ mixed[j])
        covs.append(f @ cov @ f.T + noise)
    t, r, yes = np.zeros(1), np.ones(1), np.ones(1, np.bool_)
    advance(
        x, p, mu, t, r, yes, np.array([coupled]), np.ones(1, np.int32), np.full(1, 2.0), HABIT, 0, dt, constants,
        np.zeros((3, 3)), np.full(1, -1.0), np.zeros((3, 3)), np.zeros((6, 6)), np.zeros(3),
    )  # fmt: skip
    np.testing.assert_allclose(x[0], means, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(p[0], covs, rtol=1e-8, atol=1e-4)
    np.testing.assert_allclose(mu[0], c, rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(-3.0, 3.0))
def test_the_closed_form_update_is_the_kalman_filter(seed, dt):
    rng = np.random.default_rng(seed)
    x, p, mu = _random_track(rng)
    z, variance = rng.normal(0, 100, (1, 6)), 80.0**2
    h = np.zeros((2, 6))
    h[0, [0, 3]] = h[1, [1, 4]] = 1.0, dt
    means, covs, weights = [], [], []
    for m in range(3):
        s = h @ p[0, m] @ h.T + variance * np.eye(2)
        gain = p[0, m] @ h.T @ np.linalg.inv(s)
        nu = z[0, :2] - h @ x[0, m]
        means.append(x[0, m] + gain @ nu)
        covs.append(p[0, m] - gain @ s @ gain.T)
        weights.append(np.log(mu[0, m]) - 0.5 * nu @ np.linalg.solve(s, nu) - 0.5 * np.log(np.linalg.det(s)))
    update_place(x, p, mu, 0, z, 0, variance, dt)
    np.testing.assert_allclose(x[0], means, rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(p[0], covs, rtol=1e-7, atol=1e-5)
    expected = np.maximum(np.exp(np.array(weights) - max(weights)), 1e-6)
    np.testing.assert_allclose(mu[0], expected / expected.sum(), rtol=1e-8)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 12.0), st.sampled_from([STANDARD, AGILE]))
def test_the_update_by_histories_is_each_pair_of_models_predicted_updated_and_joined(seed, lapse, kind):
    rng = np.random.default_rng(seed)
    x, p, mu = _random_track(rng)
    z, variance = rng.normal(0, 100, (1, 6)), 80.0**2
    chosen = TrackerSettings()
    constants = motion(chosen)
    pi = np.zeros((3, 3))
    prepare(constants, lapse, pi)
    pick = np.array([0, 1, 3, 4])
    h = np.eye(2, 4)
    found: list[list] = [[], [], []]
    for before in range(3):
        velocity, spread2 = x[0, before, 3:5], p[0, before, 3, 3] + p[0, before, 4, 4]
        for now in range(3):
            if kind == STANDARD:
                if {before, now} == {1, 2}:
                    continue
                f, q = _flight(now, lapse), _noise(chosen, now, velocity, spread2)
            else:
                f, q = _flight(0, lapse), chosen.agile_noise[now] * np.eye(3)
            noise = np.block([[q * lapse**3 / 3, q * lapse**2 / 2], [q * lapse**2 / 2, q * lapse]])
            f, noise = f[np.ix_(pick, pick)], noise[np.ix_(pick, pick)]
            mean, cov = f @ x[0, before, pick], f @ p[0, before][np.ix_(pick, pick)] @ f.T + noise
            s = h @ cov @ h.T + variance * np.eye(2)
            gain, gap = cov @ h.T @ np.linalg.inv(s), z[0, :2] - h @ mean
            weight = np.log(mu[0, before] * pi[before, now]) - 0.5 * gap @ np.linalg.solve(s, gap)
            weight -= 0.5 * np.log(np.linalg.det(s))
            found[now].append((weight, mean + gain @ gap, cov - gain @ s @ gain.T))
    top = max(weight for row in found for weight, _, _ in row)
    past, past_mu = np.zeros((1, 3, PAST)), np.zeros((1, 3))
    remember(x, p, mu, 0, past, past_mu, 0)
    update_histories(x, p, mu, HABIT, 0, kind, constants, new_work(4), past, past_mu, 0, lapse, z, 0, variance, 0.0)
    totals = []
    for now, row in enumerate(found):
        w = np.exp(np.array([weight for weight, _, _ in row]) - top)
        totals.append(w.sum())
        w = w / max(w.sum(), 1e-300)
        if totals[-1] < 1e-30:
            continue
        mean = sum(a * m for a, (_, m, _) in zip(w, row, strict=True))
        cov = sum(a * (c + np.outer(m - mean, m - mean)) for a, (_, m, c) in zip(w, row, strict=True))
        np.testing.assert_allclose(x[0, now, pick], mean, rtol=1e-7, atol=1e-5)
        np.testing.assert_allclose(p[0, now][np.ix_(pick, pick)], cov, rtol=1e-6, atol=1e-3)
    expected = np.maximum(totals, 1e-6)
    np.testing.assert_allclose(mu[0], expected / expected.sum(), rtol=1e-4)


def test_a_track_turns_as_what_it_may_be_turns():
    made = rules(TrackerSettings())
    airliner, drone = (made.habits[CLASSES.index(name)] for name in ("aircraft", "drone"))
    assert airliner[0] < drone[0]
    assert made.habits[:, 0].min() < made.new_habit[0] < made.habits[:, 0].max()
    habit, shares = np.zeros((1, 2)), np.zeros((1, len(CLASSES)))
    shares[0, CLASSES.index("aircraft")], shares[0, CLASSES.index("drone")] = 0.75, 0.25
    mix_habits(made.habits, shares, 0, habit)
    np.testing.assert_allclose(habit[0], 0.75 * airliner + 0.25 * drone, rtol=1e-12)
