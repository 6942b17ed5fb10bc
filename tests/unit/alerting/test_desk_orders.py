"""Whatever operators do: one alert an area, ends that follow starts; without orders nothing differs."""

from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_region import T0_US, chessboard

from perisai.alerting import AlertSettings, Desk, OperatorSettings, Order
from perisai.model import Alert, AlertChange

AREAS = chessboard(2, 2)
S = 1_000_000
THREATS = ("drone", "ballistic")


def decided(levels: list[int], area: str) -> list[list[AlertChange]]:
    """What the decision says beat by beat when the area's level goes so: 0 none, 1 watch, 2 alarm."""
    now: Alert | None = None
    steps: list[list[AlertChange]] = []
    for beat, level in enumerate(levels):
        at = T0_US + beat * 10 * S
        name = ("", "watch", "alarm")[level]
        changes: list[AlertChange] = []
        if now is not None and now.level != name:
            done = Alert(**{f: getattr(now, f) for f in now.__struct_fields__} | {"end_us": at, "reason": "Past."})
            changes.append(AlertChange("ended", done, at))
        if name and (now is None or now.level != name):
            follows = now.identifier if now is not None else ""
            now = Alert(
                identifier=f"p.{area}.{name}.{beat}", area=area, level=name, threat=THREATS[beat % 2],
                start_us=at, eta_s=200.0, probability=0.5, tracks=(beat,), reason="A drone may come.",
            )  # fmt: skip
            changes.append(AlertChange("raised", now, at, follows))
        elif not name:
            now = None
        steps.append(changes)
    return steps


LEVELS = st.lists(st.integers(0, 2), min_size=1, max_size=25)
KINDS = st.sampled_from(["alert", "release", "hold", "unhold", "extend", "cancel"])
ASKED = st.lists(st.tuples(st.integers(0, 24), KINDS), max_size=8)


@given(LEVELS)
@settings(deadline=None, max_examples=60)
def test_without_orders_what_goes_out_is_what_was_decided(levels: list[int]):
    desk = Desk(AREAS)
    for beat, changes in enumerate(decided(levels, "0-0")):
        assert desk.step(changes, (), T0_US + beat * 10 * S).changes == changes


@given(LEVELS, ASKED, st.sampled_from(["automatic", "confirm"]))
@settings(deadline=None, max_examples=120)
def test_every_order_leaves_one_alert_an_area_that_ends_as_it_began(levels, asked, release):
    rules = AlertSettings(operators=OperatorSettings(release=release, two_operators_people=10**9))
    desk = Desk(AREAS, rules)
    on: Alert | None = None
    for beat, changes in enumerate(decided(levels, "0-0")):
        at = T0_US + beat * 10 * S
        orders = [
            Order(identifier=f"o{n}", kind=kind, by="ann", areas=("0-0",), until_us=at + 30 * S, reason="as told")
            for n, (when, kind) in enumerate(asked)
            if when == beat
        ]
        held = "0-0" in desk.kept() and desk.kept()["0-0"] is None and on is not None
        result = desk.step(changes, orders, at)
        assert len(result.answers) == len(orders)
        assert all(answer.status in ("done", "refused") for answer in result.answers)
        if held and not orders:
            assert not [c for c in result.changes if c.kind == "ended" and not _rises(result.changes)]
        for change in result.changes:
            if change.kind == "raised":
                assert on is None
                on = change.alert
                assert (on.start_us, on.end_us) == (at, None)
            else:
                assert on is not None
                assert change.alert.identifier == on.identifier
                on = None if change.kind == "ended" else change.alert
        assert desk.shown() == ([] if on is None else [on])
        assert Desk.restore(desk.checkpoint(), AREAS, rules).shown() == desk.shown()


def _rises(changes: list[AlertChange]) -> bool:
    return any(c.kind == "raised" and c.alert.level == "alarm" for c in changes)
