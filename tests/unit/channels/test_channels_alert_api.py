"""alerts.in.ua's own client reads Perisai with only its address changed."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import alerts_in_ua
import pytest
from alerts_in_ua.air_raid_alert_oblast_statuses import AirRaidAlertOblastStatuses
from alerts_in_ua.location_uid_resolver import LocationUidResolver
from channels_support import SECOND_US, START_US, an_alert, squares, ukraine

from perisai.channels.alert_api import OBLAST_ORDER, AlertApi, AlertApiSettings, refused
from perisai.channels.alert_locations import locations

AREAS = ukraine()
BOBRYK = next(code for code in AREAS.code if code.startswith("UA32"))
KYIV = next(code for code in AREAS.code if code.startswith("UA80"))
VINNYTSIA_RAION = [code for code in AREAS.code if code.startswith("UA0502")]


class Peer:
    """A server of the answers, and what was asked."""

    def __init__(self, api: AlertApi) -> None:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                peer.asked.append(self.path)
                answer = api.answer(self.path, self.headers.get("If-Modified-Since", ""))
                if self.headers["Authorization"] != "Bearer secret":
                    answer = refused(401, "Unauthorized: Incorrect token")
                peer.statuses.append(answer.status)
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.asked: list[str] = []
        self.statuses: list[int] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def api() -> AlertApi:
    return AlertApi(AREAS, AlertApiSettings(disclaimer="Perisai"))


@pytest.fixture
def peer(api, monkeypatch) -> Iterator[Peer]:
    peer = Peer(api)
    monkeypatch.setattr(alerts_in_ua.Client, "API_BASE_URL", peer.url)
    monkeypatch.setattr(alerts_in_ua.AsyncClient, "API_BASE_URL", peer.url)
    yield peer
    peer.server.shutdown()
    peer.server.server_close()


@pytest.fixture
def client(peer):
    return alerts_in_ua.Client("secret")


@pytest.mark.oracle
def test_active_alerts_with_level_and_arrival(api, client):
    api.update([an_alert(BOBRYK), an_alert(KYIV, "watch", threat="ballistic", eta_s=None)], START_US + 60 * SECOND_US)
    alerts = client.get_active_alerts()
    assert len(alerts) == 2
    assert alerts.get_disclaimer() == "Perisai"
    (kyiv,) = alerts.get_yellow_alerts()
    assert (kyiv.location_title, kyiv.location_type, kyiv.location_uid) == ("м. Київ", "oblast", "31")
    assert kyiv.threats[0].threat_type == "ballistic"
    (other,) = alerts.get_red_alerts()
    assert other.location_oblast == "Київська область"
    assert other.location_oblast_uid == 14
    assert other.location_raion.endswith("район")
    assert other.started_at.isoformat() == "2026-01-01T02:00:00+02:00"
    assert other.finished_at is None
    record = next(row for row in client.cache["alerts/active.json"]["Data"]["alerts"] if row["alert_level"] == "red")
    assert record["eta_s"] == 240
    assert record["arrival_at"] == "2026-01-01T00:05:00.000Z"


@pytest.mark.oracle
def test_states_of_oblasts_raions_and_hromadas(api, client):
    alarms = [an_alert(code) for code in VINNYTSIA_RAION] + [an_alert(KYIV, "watch")]
    api.update(alarms, START_US)
    by_oblast = {one.location_title: one for one in client.get_air_raid_alert_statuses_by_oblast()}
    assert by_oblast["Вінницька область"].status == "partly"
    assert by_oblast["м. Київ"].status == "active"
    assert {one.status for title, one in by_oblast.items() if title not in ("Вінницька область", "м. Київ")} == {
        "no_alert"
    }
    with_level = client.get_air_raid_alert_statuses_by_oblast(include_alert_level=True)
    assert [one.location_title for one in with_level.get_yellow_alert_oblasts()] == ["м. Київ"]
    assert client.get_air_raid_alert_status("Вінницький район").status == "active"
    assert client.get_air_raid_alert_status("Вінницький район", include_alert_level=True).is_red()
    assert client.get_air_raid_alert_status("Гайсинський район").status == "no_alert"
    places = {one.uid: one for one in client.get_air_raid_alert_statuses(include_alert_level=True).statuses}
    assert places[36].alert_level == "red"
    assert places[4].status == "partly"
    assert places[37].status == "no_alert"
    hromadas = [location for location in locations() if location.code in VINNYTSIA_RAION]
    assert len(hromadas) > 5
    assert all(places[location.uid].is_red() for location in hromadas)


@pytest.mark.oracle
def test_nothing_new_is_304_and_a_change_is_seen_at_once(api, peer, client):
    api.update([an_alert(BOBRYK)], START_US)
    assert len(client.get_active_alerts()) == 1
    api.update([an_alert(BOBRYK)], START_US + 10 * SECOND_US)
    assert len(client.get_active_alerts()) == 1
    api.update([], START_US + 11 * SECOND_US)
    assert len(client.get_active_alerts()) == 0
    assert peer.statuses == [200, 304, 200, 200], "the client asks again without condition after a change"


@pytest.mark.oracle
def test_history_of_a_region(client, peer, api):
    ended = an_alert(BOBRYK, end_us=START_US + 600 * SECOND_US)
    asked = []
    api._history = lambda since_us: asked.append(since_us) or [ended, an_alert(KYIV)]
    api.update([], START_US + 700 * SECOND_US)
    (past,) = client.get_alerts_history("Київська область", "week_ago")
    assert past.is_finished()
    assert past.finished_at.isoformat() == "2026-01-01T02:10:00+02:00"
    assert asked == [START_US + 700 * SECOND_US - 7 * 86_400 * SECOND_US]


@pytest.mark.oracle
def test_the_asynchronous_client_too(api, peer):
    api.update([an_alert(BOBRYK)], START_US)
    alerts = asyncio.run(alerts_in_ua.AsyncClient("secret").get_active_alerts())
    assert [alert.location_oblast for alert in alerts.get_all_alerts()] == ["Київська область"]


@pytest.mark.oracle
def test_a_wrong_token_is_refused_as_the_client_expects(peer):
    with pytest.raises(alerts_in_ua.errors.UnauthorizedError):
        alerts_in_ua.Client("wrong").get_active_alerts()


def test_our_numbers_and_order_are_the_clients():
    titles = LocationUidResolver().uid_to_location
    ours = {location.uid: location for location in locations()}
    assert [titles[uid] for uid in OBLAST_ORDER] == AirRaidAlertOblastStatuses.LOCATIONS
    missing = {uid for uid in titles if uid not in ours}
    assert missing == set()
    assert all(ours[uid].title == titles[uid] for uid in titles if ours[uid].level != "hromada")


def test_apps_of_one_level_can_be_given_alarms_alone():
    api = AlertApi(AREAS, AlertApiSettings(watches=False))
    api.update([an_alert(KYIV, "watch")], START_US)
    assert b'"alerts":[]' in api.answer("/v1/alerts/active.json").body
    assert api.answer("/v1/iot/active_air_raid_alerts/31.json").body == b'"N"'
    assert api.answer("/v2/iot/active_air_raid_alerts/31.json").body == b'"Y"'


def test_an_exercise_says_so():
    api = AlertApi(AREAS, AlertApiSettings(), "exercise")
    api.update([an_alert(KYIV)], START_US)
    body = api.answer("/v1/alerts/active.json").body.decode()
    assert body.count("EXERCISE: not an actual alert.") == 2


def test_areas_of_another_country_are_listed_under_their_own_code():
    api = AlertApi(squares(), AlertApiSettings())
    api.update([an_alert("A1")], START_US)
    assert b'"location_uid":"A1"' in api.answer("/v1/alerts/active.json").body
    assert api.answer("/v1/iot/active_air_raid_alerts/31.json").body == b'"N"'


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v3/alerts/active.json", "/v1/alerts/other.json", "/v1/iot/active_air_raid_alerts/x.json"]
)
def test_what_does_not_exist_is_404(api, path):
    assert api.answer(path).status == 404
