"""All alerts of a recording are told of, and only those that are on or ended lately are in memory."""

import random

import msgspec
import pyarrow as pa
import pytest

from perisai.model import Alert, AlertChange, alerts_table
from perisai.recording import CHANGES, PartWriter, read_table
from perisai.service import alert_file
from perisai.service.alert_file import AlertFile
from perisai.service.long_book import LongBook
from perisai.service.pipeline import AlertBook

HOUR_US = 3_600_000_000
START_US = 1_757_200_000_000_000
DAYS, AN_HOUR = 12, 6
DAY_US = 24 * HOUR_US
MOST_HELD = 26 * AN_HOUR + 1
"""A day's and what is on; one area is never off."""


def _changes(seed=7):
    """Hour after hour some alerts that last up to an hour, and one of the first hour that never ends."""
    chance = random.Random(seed)
    lasting = Alert(identifier="on", area="UA44", level="alarm", threat="drone", start_us=START_US)
    out = [AlertChange(at_us=START_US, kind="raised", alert=lasting)]
    for number in range(24 * DAYS * AN_HOUR):
        start_us = START_US + number * HOUR_US // AN_HOUR + chance.randrange(2) * 1_000_000
        area, level = f"UA{chance.randrange(8)}", chance.choice(("alarm", "watch"))
        alert = Alert(
            identifier=f"a{number}", area=area, level=level, threat="drone", start_us=start_us, tracks=(number, 1)
        )
        end_us = start_us + chance.randrange(1, 60) * 60_000_000
        out.append(AlertChange(at_us=start_us, kind="raised", alert=alert))
        over = msgspec.structs.replace(alert, end_us=end_us, reason="over")
        out.append(AlertChange(at_us=end_us, kind="ended", alert=over))
    return sorted(out, key=lambda change: change.at_us)


class _Recording:
    """Changes to parts and to alerts.parquet, as the recorder writes them."""

    def __init__(self, directory):
        self.changes, self.file = PartWriter(directory, "changes"), AlertFile(directory, DAY_US)
        self.file.recall()
        self.most = 0

    def take(self, changes):
        for change in changes:
            sequence = self.changes.newest + 1
            text = msgspec.json.encode(change).decode()
            self.changes.add(sequence, pa.table({"at": [change.at_us], "change": [text]}).cast(CHANGES))
            self.file.take(change)
        self.changes.flush()
        self.file.write()
        self.most = max(self.most, self.file.held)


@pytest.mark.parametrize("broken", ["no", "gone", "torn"])
def test_the_file_has_all_alerts_and_memory_those_of_a_day(tmp_path, monkeypatch, broken):
    monkeypatch.setattr(alert_file, "GROUP_ROWS", 500)
    changes, book, recording, before = _changes(), AlertBook(), _Recording(tmp_path), b""
    for step, begin in enumerate(range(0, len(changes), 197)):
        book.apply_all(changes[begin : begin + 197])
        recording.take(changes[begin : begin + 197])
        assert recording.most <= MOST_HELD + 197
        if step % 7 == 5:  # killed, with changes on disk that the file has not
            recording.file.path.write_bytes(before)
            recording = _Recording(tmp_path)
        before = recording.file.path.read_bytes()
        if step % 7 == 2 and broken == "gone":
            recording.file.path.unlink()
        elif step % 7 == 2 and broken == "torn":
            recording.file.path.write_bytes(before[:-50])
    assert read_table(tmp_path / "alerts.parquet", "alerts").equals(alerts_table(book.alerts()))
    assert recording.file.held <= MOST_HELD < len(book.alerts()) / 8


def test_the_picture_holds_a_day_of_alerts_and_tells_of_all(tmp_path):
    changes, book, recording, picture = _changes(), AlertBook(), _Recording(tmp_path), LongBook(tmp_path, DAY_US)
    book.apply_all(changes)
    recording.take(changes)
    picture.apply_all(changes)
    assert len(picture.alerts()) <= MOST_HELD and picture.active() == book.active() and len(book.active()) == 1

    def by_start(alerts):
        return sorted(alerts, key=lambda alert: (alert.start_us, alert.area, alert.level))

    last_us = changes[-1].at_us
    assert by_start(picture.all()) == by_start(book.alerts())
    assert by_start(picture.all(area="UA3")) == by_start(one for one in book.alerts() if one.area == "UA3")
    for days in (0.5, 3.0):
        since_us = last_us - round(days * DAY_US)
        then = [one for one in book.alerts() if one.end_us is None or one.end_us >= since_us]
        assert by_start(picture.all(since_us=since_us)) == by_start(then)
