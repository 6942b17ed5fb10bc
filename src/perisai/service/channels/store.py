"""What the channels must not forget, in one SQLite file: who asked for alerts, and which message reached whom.

Kept per message and receiver, so that a channel that is started again repeats nothing that was delivered and sends what
was raised while it was down.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from perisai.channels.web_push import Subscription
from perisai.model import ResourceError

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (
  endpoint TEXT PRIMARY KEY, p256dh BLOB NOT NULL, auth BLOB NOT NULL, areas TEXT NOT NULL, language TEXT NOT NULL,
  since_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (
  channel TEXT NOT NULL, sequence INTEGER NOT NULL, receiver TEXT NOT NULL,
  PRIMARY KEY (channel, sequence, receiver)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursors (channel TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
"""


class ChannelStore:
    """Methods may be called from any thread; each is one transaction, on disk when it returns."""

    def __init__(self, path: Path) -> None:
        """Raises ResourceError when the file cannot be opened."""
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ResourceError(f"{path}: cannot be opened ({error})") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def subscribe(self, one: Subscription) -> None:
        """Keeps a subscription; the same endpoint again replaces what it asked for."""
        row = (one.endpoint, one.p256dh, one.auth, "\n".join(one.areas), one.language, int(time.time()))
        with self._lock, self._db as db:
            db.execute("INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?, ?, ?, ?)", row)

    def unsubscribe(self, endpoints: Iterable[str]) -> None:
        with self._lock, self._db as db:
            db.executemany("DELETE FROM subscriptions WHERE endpoint = ?", [(endpoint,) for endpoint in endpoints])

    def subscriptions(self) -> list[Subscription]:
        with self._lock:
            rows = self._db.execute("SELECT endpoint, p256dh, auth, areas, language FROM subscriptions").fetchall()
        return [
            Subscription(endpoint=endpoint, p256dh=p256dh, auth=auth, areas=tuple(areas.split("\n")), language=language)
            for endpoint, p256dh, auth, areas, language in rows
        ]

    def settle(self, channel: str, sequence: int, receivers: Iterable[str]) -> None:
        """These receivers need the message no more: they have it, refused it, or it is too late."""
        with self._lock, self._db as db:
            db.executemany(
                "INSERT OR IGNORE INTO settled VALUES (?, ?, ?)", [(channel, sequence, one) for one in receivers]
            )

    def settled(self, channel: str) -> dict[int, set[str]]:
        """Receivers that are done, by message, for messages beyond the cursor."""
        with self._lock:
            rows = self._db.execute("SELECT sequence, receiver FROM settled WHERE channel = ?", (channel,)).fetchall()
        out: dict[int, set[str]] = {}
        for sequence, receiver in rows:
            out.setdefault(sequence, set()).add(receiver)
        return out

    def advance(self, channel: str, sequence: int) -> None:
        """All messages up to this one are settled with everybody."""
        with self._lock, self._db as db:
            db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (channel, sequence))
            db.execute("DELETE FROM settled WHERE channel = ? AND sequence <= ?", (channel, sequence))

    def cursor(self, channel: str) -> int:
        """The sequence last given to `advance`, 0 for never."""
        with self._lock:
            row = self._db.execute("SELECT sequence FROM cursors WHERE channel = ?", (channel,)).fetchone()
        return row[0] if row else 0
