"""The after-action page and the record of real sirens, on cases whose figures can be said by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from lxml import html
from made_up_region import T0_US, chessboard, truth_rows

from perisai.evaluation import after_action_report, score_alerts, score_sirens
from perisai.model import BadInputError, build

DAY = datetime(2025, 9, 1, tzinfo=UTC)
TRUTH = truth_rows((1, 2), (50, 0), np.arange(0, 1301, 10))


def alerts():
    return build(
        "alerts",
        {
            "identifier": ["a", "b"], "area": ["3-2", "4-2"], "level": ["alarm"] * 2, "threat": ["drone"] * 2,
            "start": [T0_US, T0_US + 800_000_000], "end": [T0_US + 1_600_000_000] * 2,
        },
    )  # fmt: skip


def test_the_page_holds_the_figures_and_four_drawings_and_fetches_nothing():
    scores = score_alerts(alerts(), TRUTH, chessboard())
    page = after_action_report(scores, alerts(), TRUTH, chessboard(), "Night <1>")
    tree = html.fromstring(page)
    assert tree.findtext(".//h1") == "Night <1>"
    assert len(tree.findall(".//svg")) == 4
    assert not tree.xpath("//script | //link | //img | //*[@src] | //*[@href]")
    assert "50.00% of 2 events" in page
    reds = tree.xpath("(//svg)[4]//circle[@fill='#b3412e']")
    blues = tree.xpath("(//svg)[4]//circle[@fill='#2f6f9f']")
    assert (len(blues), len(reds)) == (1, 1)


def test_only_what_was_in_view_in_time_is_asked_for():
    seen = np.zeros(TRUTH.num_rows, bool)
    assert score_alerts(alerts(), TRUTH, chessboard(), seen=seen).events_seen == 0
    seen[:30] = True  # until 290 s: the warning of 3-2 was due at 214 s, that of 4-2 at 614 s
    scores = score_alerts(alerts(), TRUTH, chessboard(), seen=seen)
    assert (scores.events_seen, scores.in_time_seen) == (1, 1.0)


def sirens(*rows: tuple[str, float, float]) -> pa.Table:
    """(region, hours after 1 September, hours long)."""
    start = [DAY + timedelta(hours=r[1]) for r in rows]
    end = [s + timedelta(hours=r[2]) for s, r in zip(start, rows, strict=True)]
    codes = {"North": "UA01000", "South": "UA02000"}
    columns = {"region": [r[0] for r in rows], "started_at": start, "finished_at": end}
    return pa.table(columns | {"oblast_code": [codes[r[0]] for r in rows]})


def test_hours_under_alert_and_stuck_ones_set_aside():
    table = sirens(("North", 1, 2), ("North", 2, 2), ("South", 0, 1), ("North", 50, 30), ("North", -1, 2))
    scores = score_sirens(table, "North", "2025-09")
    assert (scores.alerts, scores.stuck) == (3, 1)
    assert scores.by_month == {"2025-09": pytest.approx(4.0)}  # 0 to 1 h of September, then 1 to 4 h
    assert score_sirens(table, "UA02", "2025-09").by_month == {"2025-09": pytest.approx(1.0)}
    assert score_sirens(table, "", "2025-09").by_month == {"2025-09": pytest.approx(2.5)}


@pytest.mark.parametrize(("region", "month"), [("Nowhere", ""), ("North", "2031-01"), ("North", "September")])
def test_a_region_or_month_not_in_the_record_is_said(region: str, month: str):
    with pytest.raises(BadInputError, match=r"intervals|month"):
        score_sirens(sirens(("North", 1, 2)), region, month)


def test_snapshots_say_what_smaller_alerts_spare():
    areas = replace(chessboard(2, 1), code=("UA01A", "UA01B"))
    moment = DAY + timedelta(hours=1)
    rows = {
        "snap": [moment, moment], "level": ["hromada", "oblast"], "oblast_code": ["UA01000", "UA01000"],
        "raion_code": [None, None], "hromada_code": ["UA01A", None], "started_at": [DAY, DAY - timedelta(days=3)],
    }  # fmt: skip
    found = score_sirens(sirens(("North", 0, 2)), "", "2025-09", pa.table(rows), areas).snapshots
    assert found is not None
    assert (found.nights, found.stuck, found.entries["hromada"]) == (1, 1, 1)
    assert found.spared == pytest.approx(0.5)
