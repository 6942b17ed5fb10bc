"""What operators do to alerts by hand: release, hold, extend, cancel, alert; and what two of them are needed for."""

import pytest
from made_up_region import T0_US, chessboard

from perisai.alerting import AlertSettings, CapSettings, CapWriter, Desk, OperatorSettings, Order
from perisai.model import Alert, AlertChange, BadInputError

AREAS = chessboard()
S = 1_000_000
CONFIRM = AlertSettings(operators=OperatorSettings(release="confirm"))
PLACE = "3-3"


def alert(level: str = "alarm", area: str = PLACE, at_s: int = 0, threat: str = "drone", tracks=(7,)) -> Alert:
    return Alert(
        identifier=f"perisai.{area}.{level}.auto{at_s}", area=area, level=level, threat=threat,
        start_us=T0_US + at_s * S, eta_s=300.0, probability=0.5, tracks=tracks, reason="A drone may reach this area.",
    )  # fmt: skip


def raised(one: Alert, follows: str = "") -> AlertChange:
    return AlertChange("raised", one, one.start_us, follows)


def ended(one: Alert, at_s: int) -> AlertChange:
    from msgspec.structs import replace

    return AlertChange("ended", replace(one, end_us=T0_US + at_s * S, reason="A drone; passed."), T0_US + at_s * S)


def step(desk: Desk, at_s: int, *changes: AlertChange, orders=()):
    return desk.step(changes, orders, T0_US + at_s * S)


def order(kind: str, number: int = 1, by: str = "ann", **more) -> Order:
    return Order(identifier=f"order-{number}", kind=kind, by=by, **({"areas": (PLACE,)} | more))


def kinds(result) -> list[tuple[str, str]]:
    return [(c.kind, c.alert.level) for c in result.changes]


def people(*areas: str) -> int:
    return sum(int(AREAS.population[AREAS.code.index(area)]) for area in areas)


def few(limit: int) -> AlertSettings:
    return AlertSettings(operators=OperatorSettings(two_operators_people=limit))


def test_automatic_and_without_orders_everything_goes_out_as_it_came():
    desk, one = Desk(AREAS), alert("watch")
    more = alert("alarm", at_s=10)
    changes = [raised(one)], [ended(one, 10), raised(more, one.identifier)], [ended(more, 200)]
    assert [step(desk, at, *c).changes for at, c in zip((0, 10, 200), changes, strict=True)] == list(changes)
    assert desk.shown() == []


def test_confirm_waits_for_an_operator_and_the_alert_starts_when_it_goes_out():
    desk = Desk(AREAS, CONFIRM)
    assert kinds(step(desk, 0, raised(alert()))) == []
    assert [(p.alert.area, p.releases_us) for p in desk.proposals()] == [(PLACE, None)]
    assert kinds(step(desk, 3600)) == []
    result = step(desk, 3660, orders=[order("release")])
    assert kinds(result) == [("raised", "alarm")]
    out = result.changes[0].alert
    assert (out.start_us, out.eta_s) == (T0_US + 3660 * S, 0.0)
    assert "released by an operator" in out.reason
    assert desk.proposals() == []


def test_a_ballistic_alarm_releases_itself_after_its_time_out():
    desk = Desk(AREAS, CONFIRM)
    step(desk, 0, raised(alert(threat="ballistic")), raised(alert(area="4-4", threat="cruise")))
    assert kinds(step(desk, 9)) == []
    result = step(desk, 10)
    assert [(c.alert.area, c.alert.threat) for c in result.changes] == [(PLACE, "ballistic")]
    assert "no operator answered" in result.changes[0].alert.reason


def test_a_watch_stays_while_its_alarm_waits_to_be_released():
    desk = Desk(AREAS, CONFIRM)
    watch, alarm = alert("watch"), alert("alarm", at_s=100)
    step(desk, 0, raised(watch))
    shown = step(desk, 10, orders=[order("release")]).changes[0].alert
    assert kinds(step(desk, 100, ended(watch, 100), raised(alarm, watch.identifier))) == []
    assert desk.shown() == [shown]
    result = step(desk, 130, orders=[order("release", 2)])
    assert kinds(result) == [("ended", "watch"), ("raised", "alarm")]
    assert result.changes[1].follows == shown.identifier


def test_what_is_not_released_in_time_lapses_without_a_word():
    desk, one = Desk(AREAS, CONFIRM), alert()
    step(desk, 0, raised(one))
    assert kinds(step(desk, 60, ended(one, 60))) == []
    assert desk.proposals() == []


def test_a_held_alert_ends_only_when_the_operator_lets_it():
    desk, one = Desk(AREAS), alert()
    step(desk, 0, raised(one))
    assert step(desk, 5, orders=[order("hold")]).answers[0].status == "done"
    lower = alert("watch", at_s=100)
    assert kinds(step(desk, 100, ended(one, 100), raised(lower, one.identifier))) == []
    assert kinds(step(desk, 200, ended(lower, 200))) == []
    assert desk.kept() == {PLACE: None}
    assert kinds(step(desk, 900, orders=[order("unhold", 2)])) == [("ended", "alarm")]
    assert desk.kept() == {}


def test_an_extended_alert_ends_at_its_time():
    desk, one = Desk(AREAS), alert()
    step(desk, 0, raised(one))
    step(desk, 5, orders=[order("extend", until_us=T0_US + 600 * S)])
    assert kinds(step(desk, 100, ended(one, 100))) == []
    assert kinds(step(desk, 599)) == []
    assert kinds(step(desk, 600)) == [("ended", "alarm")]


def test_a_cancelled_alert_comes_back_for_another_track_and_for_a_higher_level_only():
    desk, one = Desk(AREAS, few(10**9)), alert("watch")
    step(desk, 0, raised(one))
    result = step(desk, 5, orders=[order("cancel", reason="the radar was being repaired")])
    assert kinds(result) == [("ended", "watch")]
    assert "radar was being repaired" in result.changes[0].alert.reason
    same = AlertChange("updated", one, T0_US + 60 * S)
    assert kinds(step(desk, 60, same)) == []
    other = AlertChange("updated", alert("watch", tracks=(7, 8)), T0_US + 70 * S)
    assert kinds(step(desk, 70, other)) == [("raised", "watch")]
    desk = Desk(AREAS, few(10**9))
    step(desk, 0, raised(one))
    step(desk, 5, orders=[order("cancel", reason="nothing there")])
    alarm = alert("alarm", at_s=80)
    assert kinds(step(desk, 80, ended(one, 80), raised(alarm, one.identifier))) == [("raised", "alarm")]


def test_an_alert_by_hand_lasts_its_time_and_gives_way_to_what_is_higher():
    desk = Desk(AREAS, few(10**9))
    by_hand = order("alert", level="watch", threat="other", until_us=T0_US + 900 * S, reason="gas leak near the depot")
    result = step(desk, 0, orders=[by_hand])
    assert kinds(result) == [("raised", "watch")]
    assert "gas leak" in result.changes[0].alert.reason
    one = alert("alarm", at_s=300)
    assert kinds(step(desk, 300, raised(one))) == [("ended", "watch"), ("raised", "alarm")]
    assert kinds(step(desk, 500, ended(one, 500))) == [("ended", "alarm"), ("raised", "watch")]
    result = step(desk, 900)
    assert kinds(result) == [("ended", "watch")]
    assert "time set by the operator" in result.changes[0].alert.reason


def test_many_people_need_two_operators_who_are_not_the_same():
    desk = Desk(AREAS, few(people(PLACE, "4-4") - 1))
    small = order("alert", 1, until_us=T0_US + 900 * S, reason="fire")
    large = order("alert", 2, areas=(PLACE, "4-4"), until_us=T0_US + 900 * S, reason="fire")
    result = step(desk, 0, orders=[small, large])
    assert [a.status for a in result.answers] == ["done", "waiting"]
    assert result.answers[1].people == people(PLACE, "4-4")
    assert [c.alert.area for c in result.changes] == [PLACE]
    result = step(desk, 1, orders=[order("approve", 3, of="order-2")])
    assert result.answers[0].status == "refused"
    assert "another" in result.answers[0].why
    result = step(desk, 2, orders=[order("approve", 4, by="bob", of="order-2")])
    assert [(a.order.identifier, a.status) for a in result.answers] == [("order-4", "done"), ("order-2", "done")]
    assert [c.alert.area for c in result.changes] == ["4-4"]
    # Ending it for all of them needs two again.
    end = order("cancel", 5, areas=(PLACE, "4-4"), reason="fire is out")
    assert step(desk, 3, orders=[end]).answers[0].status == "waiting"


def test_many_small_alerts_are_no_way_round_the_second_operator():
    desk = Desk(AREAS, few(people(PLACE, "4-4")))
    ask = {"until_us": T0_US + 7200 * S, "reason": "fire"}
    cells = (PLACE, "4-4", "0-1")
    said = [
        step(desk, at, orders=[order("alert", at, areas=(cell,), **ask)]).answers[0] for at, cell in enumerate(cells, 1)
    ]
    assert [a.status for a in said] == ["done", "done", "waiting"] and "just before" in said[-1].why
    again = step(desk, 5, orders=[order("alert", 5, areas=(PLACE,), **ask)]).answers[0]
    assert again.status == "done", "the same people again are no more people"
    copy = Desk.restore(desk.checkpoint(), AREAS, few(people(PLACE, "4-4")))
    for held in (desk, copy):
        assert step(held, 6, orders=[order("alert", 6, areas=("0-1",), **ask)]).answers[0].status == "waiting"
        other = step(held, 7, orders=[order("alert", 7, areas=("0-1",), by="bob", **ask)])
        assert other.answers[0].status == "done", "another operator counts for himself"
        later = step(held, 700, orders=[order("alert", 8, areas=("0-2",), **ask)])
        assert later.answers[-1].status == "done", "after a while it begins anew"


def test_nobody_agrees_in_time_or_it_is_withdrawn():
    desk = Desk(AREAS, few(0))
    ask = {"until_us": T0_US + 3600 * S, "reason": "fire"}
    step(desk, 0, orders=[order("alert", 1, **ask), order("alert", 2, **ask)])
    answers = step(desk, 10, orders=[order("withdraw", 3, of="order-2")]).answers
    assert [(a.order.identifier, a.status) for a in answers] == [("order-3", "done"), ("order-2", "refused")]
    assert [w.order.identifier for w in desk.waiting()] == ["order-1"]
    answers = step(desk, 300).answers
    assert [(a.order.identifier, a.status) for a in answers] == [("order-1", "refused")]
    late = step(desk, 301, orders=[order("approve", 4, by="bob", of="order-1")])
    assert (late.answers[0].status, late.changes) == ("refused", [])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (order("hold"), "no alert is on"),
        (order("release"), "nothing waits"),
        (order("cancel", reason="why"), "no alert is on or proposed"),
        (order("alert", until_us=T0_US + 60 * S), "reason"),
        (order("alert", reason="fire"), "until"),
        (order("alert", reason="fire", until_us=T0_US + 10**12), "until"),
        (order("alert", reason="fire", areas=("nowhere",), until_us=T0_US + 60 * S), "'nowhere'"),
        (order("alert", reason="fire", areas=(), until_us=T0_US + 60 * S), "none"),
        (order("approve", of="never"), "'never'"),
        (order("hold", by=""), "by"),
    ],
)
def test_a_wrong_order_is_refused_with_what_is_wrong(given: Order, why: str):
    result = step(Desk(AREAS), 0, orders=[given])
    assert (result.answers[0].status, result.changes) == ("refused", [])
    assert why in result.answers[0].why


def test_an_order_that_comes_twice_takes_effect_once():
    desk = Desk(AREAS, few(10**9))
    ask = order("alert", until_us=T0_US + 60 * S, reason="fire")
    assert len(step(desk, 0, orders=[ask, ask]).changes) == 1
    step(desk, 60)
    assert step(desk, 61, orders=[ask]).answers[0].status == "refused"


def test_it_goes_on_from_a_checkpoint():
    settings = AlertSettings(operators=OperatorSettings(release="confirm", two_operators_people=0))
    desk = Desk(AREAS, settings)
    step(desk, 0, raised(alert(threat="ballistic")), orders=[order("alert", 1, until_us=T0_US + 99 * S, reason="x")])
    again = Desk.restore(desk.checkpoint(), AREAS, settings)
    assert (again.proposals(), again.waiting()) == (desk.proposals(), desk.waiting())
    assert step(again, 10) == step(desk, 10)
    with pytest.raises(BadInputError, match="desk checkpoint"):
        Desk.restore(b"rubbish", AREAS)


def test_an_alert_by_hand_becomes_cap_messages_that_end_with_an_all_clear():
    desk, cap = Desk(AREAS, few(10**9)), CapWriter(AREAS, CapSettings(languages=("en-US",)), "exercise")
    asks = {0: [order("alert", until_us=T0_US + 60 * S, reason="fire")], 60: []}
    sent = [m for at, orders in asks.items() for m in cap.step(step(desk, at, orders=orders).changes, T0_US + at * S)]
    assert [m.msg_type for m in sent] == ["Alert", "Cancel"]
    assert all(b"<status>Exercise</status>" in m.xml for m in sent)
