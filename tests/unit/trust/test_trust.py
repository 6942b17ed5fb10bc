"""Radars that are jammed, spoofed, replayed or impossible are named and hold less; nothing honest is named."""

import base64
from collections import Counter
from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from service_support import app_with_accounts, browser, sign_in

from perisai.model import BadInputError, Frame, Sensor, SensorHealth, build, empty
from perisai.sensors.reports import Report, ReportPlace, ReportStream
from perisai.service.ingest.device_keys import read_device_keys
from perisai.service.picture import Picture
from perisai.service.roles.gateway import Gateway
from perisai.service.trusted import TrustTold
from perisai.trust import Trust, TrustSettings

T0_US = 1_767_225_600_000_000
RADARS = [
    Sensor(id=f"r{n}", kind="radar2d", lat=50.0, lon=30.0 + 0.1 * n, max_range_m=150e3, period_s=5.0) for n in range(3)
]
EAR = Sensor(id="ear", kind="presence", lat=50.0, lon=30.0, max_range_m=5e3, period_s=10.0, detection_probability=0.8)
CITIZENS = Sensor(id="citizens", kind="position", lat=50.0, lon=30.0)
SENSORS = [*RADARS, EAR, CITIZENS]


def plots(rng, sensor, second, azimuth_deg, range_m=None, **more):
    n = len(azimuth_deg)
    far = 150e3 * np.sqrt(rng.random(n)) if range_m is None else range_m
    columns = {"time": np.full(n, T0_US + second * 1_000_000), "sensor": [sensor] * n, "range_m": far}
    return build("detections", columns | {"azimuth_deg": np.asarray(azimuth_deg, float)} | more)


def frame(second, *tables, health=()):
    return Frame(T0_US + second * 1_000_000, pa.concat_tables([empty("detections"), *tables]), health)


def tracks(*rows):
    """Rows (track, lat, lon, sensors) at rest."""
    whole = build("tracks", {
        "time": np.full(len(rows), T0_US), "track": np.array([row[0] for row in rows]),
        "lat": np.array([row[1] for row in rows]), "lon": np.array([row[2] for row in rows]),
        "ve_mps": np.zeros(len(rows)), "vn_mps": np.zeros(len(rows)), "status": ["confirmed"] * len(rows),
        "sensors": [row[3] for row in rows],
    })  # fmt: skip
    return whole


def why(trust):
    return {(one.sensor, one.why) for one in trust.standing().sensors}


def test_a_jammed_sector_is_named_and_only_what_tracks_explain_counts_there():
    rng, trust, kept = np.random.default_rng(3), Trust(SENSORS), {}
    own = tracks((1, 50.0 + 60e3 / 111_320.0, 30.0, ["r0", "r1"]))  # north of r0, in the jammed sector
    for second in range(0, 300, 5):
        calm = plots(rng, "r0", second, 360.0 * rng.random(5))
        target = plots(rng, "r0", second, [0.0], np.array([60e3]))
        strobe = plots(rng, "r0", second, 5.0 + 4.0 * rng.random(80)) if second >= 120 else empty("detections")
        kept[second] = trust.step(frame(second, calm, target, strobe)).table
        trust.learn(own, T0_US + second * 1_000_000)
        if second < 120 + 4 * 5:
            assert not trust.standing().sensors
    assert why(trust) == {("r0", "jammed")}
    late = kept[290]
    assert 60e3 in late["range_m"].to_pylist(), "what is tracked goes on being tracked"
    assert late.num_rows < 20, "the strobe is held back but for what lies beside the track"
    elsewhere = [a for a in late["azimuth_deg"].to_pylist() if a > 10.0]
    assert len(elsewhere) >= 4, "where it is not jammed the radar is believed"
    for second in range(300, 700, 5):
        trust.step(frame(second, plots(rng, "r0", second, 360.0 * rng.random(5))))
    assert not trust.standing().sensors, "believed again when it has been quiet"


def test_a_radar_whose_clutter_was_always_so_is_not_called_jammed():
    rng, trust = np.random.default_rng(4), Trust(SENSORS)
    for second in range(0, 600, 5):
        table = plots(rng, "r0", second, 360.0 * rng.random(rng.poisson(90)))
        assert trust.step(frame(second, table)).table.num_rows == table.num_rows
    assert not trust.standing().sensors


def test_a_radar_that_sees_what_two_others_should_see_too_is_spoofed():
    rng, trust = np.random.default_rng(5), Trust(SENSORS)
    ghosts = tracks(*((n, 50.02 + 0.01 * n, 30.05, ["r0"]) for n in range(4)))
    for second in range(0, 120, 5):
        heard = [plots(rng, name, second, [200.0]) for name in ("r0", "r1", "r2")]
        trust.step(frame(second, *heard))
        trust.learn(ghosts, T0_US + second * 1_000_000)
    assert why(trust) == {("r0", "ghosts")}
    new = plots(rng, "r0", 120, [270.0], np.array([40e3]))
    assert trust.step(frame(120, new)).table.num_rows == 0
    also = plots(rng, "r1", 121, [270.0], np.array([40e3]))
    assert trust.step(frame(121, also)).table.num_rows == 1, "the others begin tracks as ever"
    fair = Trust(SENSORS)
    shared = tracks(*((n, 50.02 + 0.01 * n, 30.05, ["r0", "r1"] if n else ["r0"]) for n in range(4)))
    for second in range(0, 120, 5):
        fair.step(frame(second, *(plots(rng, name, second, [200.0]) for name in ("r0", "r1", "r2"))))
        fair.learn(shared, T0_US + second * 1_000_000)
    assert not fair.standing().sensors


def test_plots_that_come_again_to_the_last_bit_are_a_replay():
    rng, trust = np.random.default_rng(6), Trust(SENSORS)
    azimuth_deg, range_m = 360.0 * rng.random(12), 150e3 * rng.random(12)
    assert trust.step(frame(1, plots(rng, "r0", 1, azimuth_deg, range_m))).table.num_rows == 12
    sent_again = trust.step(frame(2, plots(rng, "r0", 1, azimuth_deg, range_m))).table.num_rows
    assert sent_again == 12 and not trust.standing().sensors, "under its own time it is no replay"
    assert trust.step(frame(61, plots(rng, "r0", 61, azimuth_deg, range_m))).table.num_rows == 0
    assert why(trust) == {("r0", "replayed")} and trust.held["replayed"] == 12
    assert trust.step(frame(62, plots(rng, "r0", 62, azimuth_deg, range_m + 7.2))).table.num_rows == 12


def test_a_radar_that_tells_places_in_place_of_angles_is_held_to_them():
    rng, trust = np.random.default_rng(6), Trust(SENSORS)

    def places(second, lat):
        seen_us = np.full(12, T0_US + second * 1_000_000)
        return frame(second, build("detections", {"time": seen_us, "sensor": ["r0"] * 12, "lat": lat, "lon": lat - 20}))

    first = 50.0 + rng.random(12)
    assert trust.step(places(1, first)).table.num_rows == 12
    for second in range(2, 6):
        assert trust.step(places(second, 50.0 + rng.random(12))).table.num_rows == 12, "as many plots are no replay"
    assert not trust.standing().sensors
    assert trust.step(places(61, first)).table.num_rows == 0 and why(trust) == {("r0", "replayed")}


def test_what_cannot_be_and_what_is_ahead_of_its_time_is_named():
    rng, trust = np.random.default_rng(7), Trust(SENSORS)
    fast = plots(rng, "r1", 1, [10.0, 20.0], ve_mps=np.array([12_000.0, 200.0]), vn_mps=np.zeros(2))
    assert trust.step(frame(1, fast)).table.num_rows == 1
    trust.step(frame(2, plots(rng, "r2", 30, [10.0])))
    assert why(trust) == {("r1", "impossible"), ("r2", "clock")}


def reports(second, *people, lat=50.01, lon=30.01):
    n = len(people)
    columns = {
        "time": np.full(n, T0_US + second * 1_000_000), "sensor": ["citizens"] * n, "lat": np.full(n, lat),
        "lon": np.full(n, lon), "sigma_m": np.full(n, 1_000.0), "reporter": list(people),
    }  # fmt: skip
    return build("detections", columns)


def test_silence_of_one_instrument_delays_and_of_two_refutes():
    rng = np.random.default_rng(8)
    held = {}
    for radars in (0, 1, 2):
        trust, held[radars] = Trust(SENSORS[:3] + [CITIZENS]), []
        for second in range(1, 121):
            heard = [plots(rng, f"r{n}", second, [200.0]) for n in range(radars)]
            passed = trust.step(frame(second, *heard, reports(second, f"p{second}"))).table
            held[radars].append(passed["sensor"].to_pylist().count("citizens") == 0)
    assert not any(held[0]), "nobody is awake who could contradict them"
    assert all(held[1][:60]) and not any(held[1][60:])
    assert all(held[2])


def test_a_track_that_people_made_speaks_for_no_people():
    rng, trust, held = np.random.default_rng(14), Trust(SENSORS), []
    made_up = tracks((1, 50.01, 30.01, ["citizens"]))  # begun where nobody looks, and led on into view
    for second in range(1, 121):
        heard = [plots(rng, f"r{n}", second, [200.0]) for n in range(3)]
        passed = trust.step(frame(second, *heard, reports(second, f"p{second}"))).table
        held.append("citizens" not in passed["sensor"].to_pylist())
        trust.learn(made_up, T0_US + second * 1_000_000)
    assert all(held)


def test_an_instrument_that_said_it_is_off_contradicts_nobody():
    rng, trust = np.random.default_rng(9), Trust(SENSORS[:3] + [CITIZENS])
    off = tuple(SensorHealth(sensor=f"r{n}", time_us=T0_US, state="off") for n in range(3))
    for second in range(1, 90):
        heard = [plots(rng, f"r{n}", second, [200.0]) for n in range(3)]
        passed = trust.step(frame(second, *heard, reports(second, f"p{second}"), health=off if second == 1 else ()))
        assert "citizens" in passed.table["sensor"].to_pylist()


def test_who_was_refuted_twice_counts_only_with_others():
    rng, trust = np.random.default_rng(10), Trust(SENSORS)
    for begin in (1, 400):  # two lies, far apart in time
        trust.step(frame(begin))
        for second in range(begin, begin + 60):
            heard = [plots(rng, f"r{n}", second, [200.0]) for n in range(2)]
            trust.step(frame(second, *heard, reports(second, "liar", "other" if begin == 1 else "third")))
    assert [row[0] for row in trust.standing().reporters] == ["liar"]
    gap = {"lat": 52.0, "lon": 36.0}
    passed = trust.step(frame(900, reports(900, "liar", "other", "new", **gap))).table
    assert passed["reporter"].to_pylist() == ["other", "new"]


def test_a_checkpoint_goes_on_as_if_nothing_had_happened():
    rng = np.random.default_rng(11)
    frames, rows = [], tracks((1, 50.02, 30.05, ["r0"]), (2, 50.3, 30.05, ["r0", "r1"]))
    for second in range(1, 160):
        strobe = plots(rng, "r0", second, 90.0 + 5.0 * rng.random(40 if second > 90 else 1))
        frames.append(frame(second, strobe, plots(rng, "r1", second, [200.0]), reports(second, f"p{second % 7}")))
    whole, parts, blobs = Trust(SENSORS), Trust(SENSORS), []
    for number, one in enumerate(frames):
        if number % 10 == 9:
            parts = Trust.restore(parts.checkpoint(), SENSORS)
        a, b = whole.step(one), parts.step(one)
        assert a.table.equals(b.table)
        for trust in (whole, parts):
            trust.learn(rows, one.end_us)
        blobs.append(whole.checkpoint() == parts.checkpoint())
    assert all(blobs) and whole.standing() == parts.standing() and whole.standing().sensors
    with pytest.raises(BadInputError, match="trust checkpoint"):
        Trust.restore(b"nothing", SENSORS)
    with pytest.raises(BadInputError, match="sensors"):
        Trust.restore(whole.checkpoint(), SENSORS[:2])


def test_switched_off_it_tells_and_holds_nothing_back():
    rng, trust = np.random.default_rng(12), Trust(SENSORS, TrustSettings(enabled=False))
    for second in range(1, 61):
        heard = [plots(rng, f"r{n}", second, [200.0]) for n in range(3)]
        assert trust.step(frame(second, *heard, reports(second, "liar"))).table.num_rows == 4
    assert [claim.verdict for claim in trust.standing().claims] == ["unseen"]
    with pytest.raises(BadInputError, match=r"trust\.refuted"):
        TrustSettings(refuted=0)


def test_a_device_with_a_key_is_believed_only_with_its_signature(tmp_path):
    keys = {name: Ed25519PrivateKey.generate() for name in ("mic-1", "mic-2")}
    lines = [f"{name} {base64.b64encode(key.public_key().public_bytes_raw()).decode()}" for name, key in keys.items()]
    path = tmp_path / "devices"
    path.write_text("# device key\n" + "\n".join(lines) + "\n")
    held = read_device_keys(str(path), [EAR])
    body, rejects = b"[]", Counter()
    given = [said(name) for name in ("mic-1", "mic-2", "phone", "ear")]
    signed = f"mic-1 {base64.b64encode(keys['mic-1'].sign(body)).decode()}"
    assert [one.device for one in held.sift(given, held.signer(signed, body), rejects)] == ["mic-1", "phone"]
    assert rejects == {"reports: not signed by its device": 2}, "no sensor of the file goes unsigned then"
    stolen = f"mic-1 {base64.b64encode(keys['mic-2'].sign(body)).decode()}"
    for header in ("", "mic-1", "mic-1 !", "phone x", stolen, signed.replace("mic-1", "mic-2")):
        assert held.signer(header, body) == ""
    assert held.signer(signed, b"[ ]") == ""
    assert read_device_keys("", [EAR]).sift(given, "", rejects) == given
    path.write_text("mic-1 AAAA\n")
    with pytest.raises(BadInputError, match="line 1"):
        read_device_keys(str(path), [])


def test_nobody_reports_from_two_places():
    stream, counts, rejects = ReportStream(), Counter(), Counter()
    for at_s, lat in ((0, 50.0), (30, 50.001), (60, 52.0), (90, 50.002), (4000, 52.0)):
        stream.add(said("phone", at_s, lat), T0_US + at_s * 1_000_000, counts, rejects)
    assert rejects == {"reports: device in two places": 1}
    assert stream.drain(counts, rejects).table["reporter"].to_pylist() == ["phone"] * 4


def said(device, at_s=0, lat=50.0):
    at = datetime.fromtimestamp(T0_US / 1e6 + at_s, UTC)
    return Report(device=device, time=at, place=ReportPlace(lat=lat, lon=30.0))


async def test_the_operator_is_told_over_http_and_in_the_ticks(tmp_path):
    rng, trust = np.random.default_rng(13), Trust(SENSORS)
    for second in range(1, 61):
        heard = [plots(rng, f"r{n}", second, [200.0]) for n in range(3)]
        trust.step(frame(second, *heard, reports(second, "liar")))
    trust.step(frame(61, plots(rng, "r2", 90, [10.0])))
    gateway = Gateway(None, Picture("test", SENSORS))  # pyright: ignore[reportArgumentType]
    gateway.picture.take_trust(TrustTold(by="tracker", at_us=T0_US, standing=trust.standing()))
    app = app_with_accounts(tmp_path, gateway=gateway)
    async with browser(app) as client:
        assert (await client.get("/api/v1/trust")).status_code == 401
        await sign_in(client, "viewer")
        told = (await client.get("/api/v1/trust")).json()
    assert [(one["sensor"], one["why"]) for one in told["sensors"]] == [("r2", "clock")]
    (claim,) = told["claims"]
    assert claim["verdict"] == "unseen" and claim["reporters"] == ["liar"] and {"r0", "r1"} <= set(claim["silent"])
    assert told["held"] == {"not seen by instruments": 60}
    tick = msgspec.msgpack.decode(gateway.picture.tick(0, 0.0))
    assert tick["trust"] == {"sensors": told["sensors"], "claims": told["claims"]}
    assert "trust" not in msgspec.msgpack.decode(gateway.picture.tick(gateway.picture.version, 0.0))
