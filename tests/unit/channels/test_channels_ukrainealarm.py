"""ukrainealarm.com's shape, read over HTTP by PyPI's `ukrainealarm` client with only its address changed."""

import aiohttp
import msgspec
import pytest
import ukrainealarm.client
from channels_house import centre, until
from channels_support import SECOND_US, START_US, an_alert, squares, ukraine

from perisai.channels.alert_api import AlertApiSettings
from perisai.channels.alert_locations import regions
from perisai.channels.ukrainealarm import UkraineAlarmApi

AREAS = ukraine()
KYIV = next(code for code in AREAS.code if code.startswith("UA80"))
BOBRYK = next(code for code in AREAS.code if code.startswith("UA3206"))


class _Session:
    """aiohttp's session as the client of 2022 expects it: a time-out may be a number."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method, url, *, headers, timeout):
        return await self._session.request(method, url, headers=headers, timeout=aiohttp.ClientTimeout(total=timeout))


@pytest.mark.oracle
async def test_the_client_of_pypi_reads_alerts_regions_and_the_index(tmp_path, monkeypatch):
    async with centre(tmp_path, AREAS, AlertApiSettings(tokens=("key",)), now_us=START_US) as house:
        monkeypatch.setattr(ukrainealarm.client.Client, "BASE_PATH", f"{house.url}/api/v3")
        async with aiohttp.ClientSession() as session:
            client = ukrainealarm.client.Client(_Session(session), "key")
            assert await client.get_alerts() == []
            before = (await client.get_last_alert_index())["lastActionIndex"]
            await house.change(an_alert(KYIV), START_US)
            await house.change(an_alert(BOBRYK, "watch", identifier="w"), START_US)
            await until(lambda: len(house.gateway.picture.book.active()) == 2)
            alerts = {alert["regionName"]: alert for alert in await client.get_alerts()}
            kyiv = alerts["м. Київ"]
            assert kyiv["activeAlerts"] == [
                {"regionId": "31", "regionType": "State", "type": "AIR", "lastUpdate": "2026-01-01T00:00:00Z"}
            ]
            assert (kyiv["level"], kyiv["threat"], kyiv["arrivalAt"]) == ("alarm", "drone", "2026-01-01T00:05:00Z")
            assert len(alerts) == 2
            assert [one["regionId"] for one in await client.get_alerts("31")] == ["31"]
            (oblast,) = await client.get_alerts("14")
            assert (oblast["regionType"], oblast["level"]) == ("State", "watch")
            (quiet,) = await client.get_alerts("4")
            assert quiet["activeAlerts"] == []
            assert (await client.get_last_alert_index())["lastActionIndex"] > before
            states = (await client.get_regions())["states"]
            assert len(states) == 25
            assert (
                sum(1 + len(raion["regionChildIds"]) for state in states for raion in state["regionChildIds"]) == 1580
            )
            with pytest.raises(aiohttp.ClientResponseError, match="401"):
                await ukrainealarm.client.Client(_Session(session), "wrong").get_alerts()
            with pytest.raises(aiohttp.ClientResponseError, match="404"):
                await client.get_alerts("999999")


def test_numbers_are_unlike_and_their_tree_is_whole():
    known = {region.id: region for region in regions()}
    assert len(known) == len(regions()) == 1605
    assert all(region.parent in known for region in regions() if region.parent)


def test_history_newest_first_and_an_exercise_says_so():
    ended = an_alert(KYIV, end_us=START_US + 600 * SECOND_US)
    api = UkraineAlarmApi(AREAS, AlertApiSettings(), "exercise", lambda since_us: [ended, an_alert(BOBRYK)])
    api.update([], START_US + 700 * SECOND_US)
    (past,) = msgspec.json.decode(api.answer("/api/v3/alerts/regionHistory", {"regionId": "31"}).body)
    (alarm,) = past["alarms"]
    assert (alarm["duration"], alarm["isContinue"]) == ("00:10:00", False)
    assert past["regionName"] == "EXERCISE: м. Київ"


def test_apps_of_one_level_and_areas_elsewhere():
    api = UkraineAlarmApi(AREAS, AlertApiSettings(watches=False))
    api.update([an_alert(KYIV, "watch")], START_US)
    assert api.answer("/api/v3/alerts", {}).body == b"[]"
    api = UkraineAlarmApi(squares(), AlertApiSettings())
    api.update([an_alert("A1")], START_US)
    assert api.answer("/api/v3/alerts", {}).body == b"[]"
    assert api.answer("/api/v3/other", {}).status == 404
