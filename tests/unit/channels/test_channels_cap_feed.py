"""The Atom feed, read by feedparser, which others wrote."""

import capvalidator
import feedparser
import pytest
from channels_support import SECOND_US, START_US, an_alert, messages, squares

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.cap_feed import CapFeed, FeedSettings

AREAS = squares()
SETTINGS = FeedSettings(base_url="http://127.0.0.1:8080", title="Тривоги", language="uk-UA")


def read(feed: CapFeed, at_s: int = 0):
    document = feedparser.parse(feed.atom(START_US + at_s * SECOND_US))
    assert not document.bozo, document.get("bozo_exception")
    assert document.version == "atom10"
    return document


@pytest.mark.oracle
def test_each_alert_is_listed_with_its_address_and_readable_there():
    feed = CapFeed(SETTINGS)
    for message in messages(AREAS, an_alert("A0"), an_alert("A1", "watch")):
        feed.add(message)
    document = read(feed)
    assert document.feed.title == "Тривоги"
    assert document.feed.updated == "2026-01-01T00:00:00Z"
    assert [entry.tags[0].term for entry in document.entries] == ["alarm", "watch"]
    assert document.entries[0].title == "Повітряна тривога: Місто 0. Загроза ударних безпілотників."
    for entry in document.entries:
        (link,) = entry.links
        assert link.type == "application/cap+xml"
        identifier = link.href.removeprefix("http://127.0.0.1:8080/cap/")
        assert capvalidator.check_schema(feed.alert(identifier)).passed
    assert feed.alert("other") is None


@pytest.mark.oracle
def test_an_incident_is_listed_once_by_its_last_message_and_leaves_when_it_expires():
    feed, writer = CapFeed(SETTINGS), CapWriter(AREAS, CapSettings())
    (alert,) = messages(AREAS, an_alert(), writer=writer)
    feed.add(alert)
    (cancel,) = messages(AREAS, an_alert(), writer=writer, kind="ended", at_s=600)
    feed.add(cancel)
    (entry,) = read(feed, 600).entries
    assert entry.cap_msgtype == "Cancel"
    assert entry.published == "2026-01-01T00:10:00Z"
    assert feed.alert(alert.identifier) == alert.xml
    assert read(feed, 600 + 1801).entries == []
    assert feed.alert(cancel.identifier) is None


def test_the_feed_is_bounded_and_says_what_it_pushed_out():
    feed = CapFeed(FeedSettings(limit=2))
    sent = messages(AREAS, an_alert("A0"), an_alert("A1"), an_alert("A2"))
    for message in sent:
        feed.add(message)
    assert feed.pushed_out == 1
    assert [feed.alert(message.identifier) is None for message in sent] == [True, False, False]


def test_what_has_expired_goes_also_while_nobody_reads():
    feed = CapFeed(FeedSettings())
    (first,) = messages(AREAS, an_alert("A0"))
    (second,) = messages(AREAS, an_alert("A1"), at_s=3 * 3600)
    feed.add(first)
    feed.add(second)
    assert feed.alert(first.identifier) is None
    assert feed.alert(second.identifier) == second.xml
