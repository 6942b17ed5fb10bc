"""The citizen's page: my place, its state, what to do; small, and readable in large type."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

PHONE = {"width": 390, "height": 844}
CHERKASY = {"latitude": 49.44, "longitude": 32.06}


@pytest.fixture
def citizen(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    return page


def test_a_typed_place_gives_its_state_and_what_to_do(citizen: Page) -> None:
    citizen.goto("/citizen")
    citizen.get_by_label("Town or community").fill("Kyiv")
    citizen.get_by_role("listitem").get_by_role("button").first.click()
    expect(citizen.get_by_role("heading", name=re.compile("Alarm|Watch|No alert|All clear"))).to_be_visible()
    expect(citizen.get_by_role("heading", name="What to do")).to_be_visible()
    assert citizen.get_by_role("list").first.get_by_role("listitem").count() >= 2
    expect(citizen.get_by_role("heading", name="Around you")).to_be_visible()
    expect(citizen.get_by_text("EXERCISE")).to_be_visible()

    citizen.reload()
    expect(citizen.get_by_role("heading", name="What to do")).to_be_visible()


def test_an_exercise_says_so_before_a_place_is_chosen(citizen: Page) -> None:
    citizen.goto("/citizen")
    expect(citizen.get_by_role("heading", name="Where are you?")).to_be_visible()
    expect(citizen.get_by_text("EXERCISE")).to_be_visible()


def test_a_located_place_gives_its_state(citizen: Page) -> None:
    citizen.context.grant_permissions(["geolocation"])
    citizen.context.set_geolocation(CHERKASY)  # pyright: ignore[reportArgumentType]
    citizen.goto("/citizen")
    citizen.get_by_role("button", name="Use my location").click()
    expect(citizen.get_by_role("heading", name="What to do")).to_be_visible()
    expect(citizen).to_have_title(re.compile(r"^(Alarm|Watch|No alert): .+"))


def test_an_alarm_tells_threat_and_minutes_and_its_end_the_all_clear(citizen: Page) -> None:
    state = {"code": "X1", "name": "Testville", "names": {"en": "Testville"}, "reason": None}
    beside = {"code": "X2", "name": "Nextville", "names": {"en": "Nextville"}, "level": "watch"}
    state |= {"neighbours": [beside]}
    state |= {"mode": "actual", "since_us": 1_757_203_200_000_000, "now_us": 1_757_203_260_000_000}
    state |= {"level": "alarm", "threat": "cruise", "eta_s": 250.0}
    citizen.route("**/api/v1/public/areas/X1", lambda route: route.fulfill(json=state))
    citizen.goto("/citizen?area=X1")
    expect(citizen.get_by_role("heading", name="Alarm")).to_be_visible()
    expect(citizen.get_by_text("Take shelter now")).to_be_visible()
    expect(citizen.get_by_text("Cruise missile")).to_be_visible()
    expect(citizen.get_by_text(re.compile(r"in about [34] min"))).to_be_visible()
    expect(citizen.get_by_role("listitem").filter(has_text="Nextville")).to_contain_text("Watch")

    state |= {"level": "none", "threat": None, "eta_s": None, "since_us": None}
    expect(citizen.get_by_role("heading", name="All clear")).to_be_visible(timeout=20_000)


PUSH = """const fake = {endpoint: 'https://push.example/1', unsubscribe: async () => { window.held = null; },
  toJSON: () => ({endpoint: 'https://push.example/1', keys: {p256dh: 'x', auth: 'y'}})};
window.held = null;
PushManager.prototype.subscribe = async () => (window.held = fake);
PushManager.prototype.getSubscription = async () => window.held;
Notification.requestPermission = async () => 'granted';"""


def test_alerts_can_be_asked_for_and_ended(citizen: Page) -> None:
    citizen.add_init_script(PUSH)
    asked: list[tuple[str, object]] = []

    def answer(route: Route) -> None:
        asked.append((route.request.method, route.request.post_data_json))
        route.fulfill(json={})

    citizen.route("**/api/v1/public/push/key", lambda route: route.fulfill(json={"key": "BAbc"}))
    citizen.route("**/api/v1/public/push/subscriptions", answer)
    citizen.goto("/citizen?area=UA80000000000093317")
    citizen.get_by_role("button", name="Alert me when it changes").click()
    expect(citizen.get_by_text("even when the page is closed")).to_be_visible()
    method, body = asked[0]
    assert method == "POST"
    assert isinstance(body, dict)
    assert body["areas"] == ["UA80000000000093317"]
    assert body["subscription"]["endpoint"] == "https://push.example/1"
    citizen.get_by_role("button", name="No more alerts to this device").click()
    expect(citizen.get_by_role("button", name="Alert me when it changes")).to_be_visible()
    assert asked[-1] == ("DELETE", {"endpoint": "https://push.example/1"})


NOTIFICATIONS = """async () => (await self.registration.getNotifications()).map(
  ({title, silent, renotify, data}) => ({title, silent, renotify, identifier: data.identifier}))"""


def test_a_message_that_is_pushed_again_by_a_gateway_that_took_over_wakes_nobody(citizen: Page) -> None:
    citizen.context.grant_permissions(["notifications"])
    citizen.goto("/citizen")
    with citizen.context.expect_event("serviceworker") as started:
        citizen.evaluate("navigator.serviceWorker.register('/push-worker.js')")
    worker = started.value

    def pushed(identifier: str, level: str = "alarm") -> list[dict[str, object]]:
        message = {"title": level, "level": level, "incident": "raid 1", "identifier": identifier, "mode": "actual"}
        worker.evaluate("(message) => show(message)", message)
        return worker.evaluate(NOTIFICATIONS)

    loud, quiet = {"silent": False, "renotify": True}, {"silent": True, "renotify": False}
    alarm = {"title": "alarm", "identifier": "1"}
    assert pushed("1") == [alarm | loud]
    assert pushed("1") == [alarm | quiet]
    worker.evaluate("async () => (await self.registration.getNotifications()).forEach((one) => one.close())")
    assert pushed("1") == [alarm | quiet], "who has closed it is not woken"
    assert pushed("2", "clear") == [{"title": "clear", "identifier": "2"} | loud]


def test_it_reads_in_large_type_on_a_small_screen(citizen: Page) -> None:
    citizen.set_viewport_size({"width": 320, "height": 640})
    citizen.goto("/citizen?area=UA80000000000093317")
    citizen.get_by_role("heading", name="What to do").wait_for()
    citizen.evaluate("document.body.style.fontSize = '36px'")
    assert citizen.evaluate("document.documentElement.scrollWidth <= innerWidth"), "text runs out of the screen"


def test_a_lost_line_is_told(citizen: Page) -> None:
    citizen.goto("/citizen")
    citizen.get_by_label("Town or community").fill("Kyiv")
    citizen.get_by_role("listitem").get_by_role("button").first.click()
    expect(citizen.get_by_role("heading", name="What to do")).to_be_visible()
    citizen.context.set_offline(True)
    expect(citizen.get_by_role("alert")).to_contain_text("No connection", timeout=60_000)


def test_it_is_small_enough_for_a_slow_phone(citizen: Page) -> None:
    sizes: list[int] = []
    citizen.on("response", lambda response: sizes.append(len(response.body())) if response.ok else None)
    citizen.goto("/citizen")
    citizen.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < 150_000, f"{sum(sizes)} bytes in {len(sizes)} files"
