"""Operators' orders through server, bus and alerter: who may, the rule of two, what a crash leaves, exact replay."""

import asyncio
import contextlib
import time

import msgspec
import pytest
from made_up_region import LAT, LON, STEP_LAT, STEP_LON, T0_US, chessboard
from service_support import app_with_accounts, browser, sign_in

from perisai.alerting import AlertSettings
from perisai.alerting.settings import OperatorSettings
from perisai.model import AlertChange, empty
from perisai.service.audit import AuditLog
from perisai.service.bus import ORDERS, Bus
from perisai.service.config import Config
from perisai.service.nats_server import NatsServer
from perisai.service.orders import Answered, areas_within, office
from perisai.service.orders.office import Office
from perisai.service.picture import Picture
from perisai.service.pipeline import AlertBook, AlertStage
from perisai.service.roles.alerter import run_alerter
from perisai.service.roles.gateway import Gateway
from perisai.service.tasks import end

AREAS = chessboard(4, 4)  # 10,000 people each
CONFIG = Config(alerting=AlertSettings(operators=OperatorSettings(two_operators_people=10_000, sum_s=30.0)))
BY_HAND = {"level": "alarm", "threat": "drone", "minutes": 20, "text": "Drones heard from the roof"}


class Centre:
    """Alerter, picture and console server around a real bus."""

    def __init__(self, bus, directory):
        self.bus, self.audit = bus, AuditLog(directory / "audit", lambda: time.time_ns() // 1000)
        self.gateway = Gateway(bus, Picture("test", []))
        self.end_us = T0_US
        given = Office(bus, self.gateway.picture, AREAS, self.audit, 10_000)
        self.app = app_with_accounts(directory, gateway=self.gateway, office=given, audit=self.audit, config=CONFIG)
        self.tasks = [asyncio.create_task(self.gateway.run()), self.alerter()]

    def alerter(self):
        return asyncio.create_task(run_alerter(self.bus, AREAS, CONFIG))

    async def frame(self):
        self.end_us += 1_000_000
        table = empty("tracks")
        await self.bus.publish_table("perisai.tracks", table, f"tracks-{self.end_us}", self.end_us)
        async with asyncio.timeout(20):
            while self.gateway.picture.now_us < self.end_us:
                await asyncio.sleep(0.01)

    def active(self):
        return {alert.area: alert for alert in self.gateway.picture.book.active()}


@contextlib.asynccontextmanager
async def centre(directory):
    async with NatsServer(directory) as server, Bus(server.url) as bus:
        made = Centre(bus, directory)
        try:
            yield made
        finally:
            await end(made.tasks)
            made.audit.close()
            assert all(task.cancelled() for task in made.tasks), made.tasks


async def until(what, seconds=20.0):
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The alerter may have kernels to compile first."""
    monkeypatch.setattr(office, "ANSWER_S", 90.0)


async def test_one_operator_alerts_few_and_two_alert_many(tmp_path):
    async with centre(tmp_path) as at, browser(at.app) as first, browser(at.app) as second:
        await at.frame()
        await sign_in(first, "operator")
        await sign_in(second, "second")
        done = await first.post("/api/v1/alerts", json=BY_HAND | {"areas": ["1-1"]})
        assert (done.status_code, done.json()["status"], done.json()["people"]) == (200, "done", 10_000), done.text
        await until(lambda: "1-1" in at.active())
        assert at.active()["1-1"].level == "alarm"

        many = await first.post("/api/v1/alerts", json=BY_HAND | {"areas": ["2-1", "2-2"]})
        assert many.json()["status"] == "waiting" and many.json()["people"] == 20_000
        await until(lambda: at.gateway.picture.desk["proposals"])
        (proposal,) = (await second.get("/api/v1/proposals")).json()
        assert proposal["by"] == "operator" and proposal["areas"] == ["2-1", "2-2"]
        path = f"/api/v1/proposals/{proposal['order']}/approve"
        assert (await first.post(path)).status_code == 403
        assert set(at.active()) == {"1-1"}
        assert (await second.post(path)).json()["status"] == "done"
        await until(lambda: set(at.active()) == {"1-1", "2-1", "2-2"})
        await until(lambda: not at.gateway.picture.desk["proposals"])
        assert (await second.post(path)).status_code == 404, "it waits no longer"

        identifier = at.active()["1-1"].identifier
        no_reason = await second.post(f"/api/v1/alerts/{identifier}/cancel", json={})
        assert no_reason.status_code == 400
        ended = await second.post(f"/api/v1/alerts/{identifier}/cancel", json={"reason": "It was a tractor"})
        assert ended.json()["status"] == "done"
        await until(lambda: set(at.active()) == {"2-1", "2-2"})
        again = await second.post(f"/api/v1/alerts/{identifier}/cancel", json={"reason": "It was a tractor"})
        assert again.status_code == 409
        kinds = [entry.what for entry in at.audit.newest(20) if entry.who != "second" or entry.outcome == "done"]
        assert kinds[:3] == ["cancel", "approve", f"POST {path}"]


async def test_who_gets_round_the_server_does_not_get_round_the_alerter(tmp_path):
    async with centre(tmp_path) as at:
        await at.frame()
        order = {"identifier": "x", "kind": "alert", "by": "operator", "areas": ["2-1", "2-2"], "reason": "r"}
        order |= {"level": "alarm", "threat": "drone", "until_us": at.end_us + 60_000_000}
        approval = {"identifier": "y", "kind": "approve", "by": "operator", "of": "x"}
        for given in (order, order, approval):
            await at.bus.publish(ORDERS, msgspec.json.encode(given), f"order-{given['identifier']}", at.end_us)
        await at.frame()
        answers = []
        async with asyncio.timeout(60):
            async for message in at.bus.follow("ANSWERS"):
                answers += msgspec.json.decode(message.data, type=Answered).answers
                if len(answers) == 2:
                    break
        assert [answer.status for answer in answers] == ["waiting", "refused"]
        assert not at.active()


async def test_a_crash_of_the_alerter_changes_nothing_and_a_replay_is_exact(tmp_path):
    async with centre(tmp_path) as at, browser(at.app) as client:
        await at.frame()
        await sign_in(client, "operator")
        for number, area in enumerate(("0-0", "0-1", "0-2")):
            await client.post("/api/v1/alerts", json=BY_HAND | {"areas": [area], "minutes": 1 + number})
            await end([at.tasks[1]])
            at.tasks[1] = at.alerter()  # without a checkpoint: all its work again
            for _ in range(35):
                await at.bus.publish_table("perisai.tracks", empty("tracks"), f"t{at.end_us}", at.end_us + 1_000_000)
                at.end_us += 1_000_000
            await at.frame()
        await until(lambda: len(at.active()) < 3)
        live, orders = [], []
        last = await at.bus.last_sequence("ALERTS")
        async for message in at.bus.follow("ALERTS"):
            live.append(msgspec.json.decode(message.data, type=AlertChange))
            if message.sequence == last:
                break
        last = await at.bus.last_sequence("ANSWERS")
        async for message in at.bus.follow("ANSWERS"):
            orders.append(msgspec.json.decode(message.data, type=Answered))
            if message.sequence == last:
                break
    assert len({(change.kind, change.alert.identifier) for change in live}) == len(live), "nothing is said twice"
    stage, book, kept = AlertStage(AREAS, CONFIG), AlertBook(), AlertBook()
    for end_us in range(T0_US + 1_000_000, at.end_us + 1, 1_000_000):
        while orders and orders[0].after_us < end_us:
            book.apply_all(stage.order(orders[0].order, orders.pop(0).at_us).changes)
        book.apply_all(stage.step(empty("tracks"), end_us).changes)
    kept.apply_all(live)
    assert kept.alerts() == book.alerts()[: len(kept.alerts())] and kept.alerts()


async def test_a_session_without_its_token_does_nothing(tmp_path):
    app = app_with_accounts(tmp_path, office=None)
    async with browser(app) as client:
        await sign_in(client, "operator")
        for token in ("", "x" * 32):
            client.headers["X-CSRF-Token"] = token
            answer = await client.post("/api/v1/alerts", json=BY_HAND | {"areas": ["1-1"]})
            assert answer.status_code == 403 and "X-CSRF-Token" in answer.json()["detail"]


def _square(x, y, width=1.0, height=1.0):
    west, south = LON + x * STEP_LON, LAT + y * STEP_LAT
    east, north = west + width * STEP_LON, south + height * STEP_LAT
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def test_a_polygon_means_the_areas_it_shares_ground_with():
    assert areas_within(AREAS, _square(1, 1)) == ("1-1",)
    assert areas_within(AREAS, _square(0.5, 0.5)) == ("0-0", "0-1", "1-0", "1-1")
    assert areas_within(AREAS, _square(1.4, 1.4, 0.01, 0.01)) == ("1-1",), "a small circle in a large area"
    assert areas_within(AREAS, _square(9, 9)) == ()


@pytest.mark.parametrize(
    "body",
    [
        {"areas": ["9-9"]},
        {"areas": ["1-1"], "polygon": _square(1, 1)},
        {},
        {"polygon": {"type": "Point", "coordinates": [31, 49]}},
        {"polygon": {"type": "Polygon", "coordinates": [[[500, 0], [501, 0], [501, 1], [500, 0]]]}},
        {"polygon": {"type": "Polygon", "coordinates": "x"}},
        {"polygon": _square(9, 9)},
        {"areas": ["1-1"], "minutes": 0},
        {"areas": ["1-1"], "level": "panic"},
        {"areas": ["1-1"], "text": ""},
    ],
)
async def test_a_bad_alert_by_hand_is_told(tmp_path, body):
    audit = AuditLog(tmp_path / "audit2", lambda: 0)
    picture = Picture("test", [])
    given = Office(None, picture, AREAS, audit, 10_000)  # pyright: ignore[reportArgumentType]
    async with browser(app_with_accounts(tmp_path, office=given)) as client:
        await sign_in(client, "operator")
        answer = await client.post("/api/v1/alerts", json=BY_HAND | body)
        assert answer.status_code in (400, 404) and answer.json()["detail"]
