"""The regions' tracks joined into one picture: a number for each object, whichever region's tracker sees it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perisai.model import BadInputError, check_distinct, empty, floats

from .known import LocalTrack, Rows, SystemTrack, local_tracks, rows_of
from .region import TrackerRegion, beyond_all, homes
from .same import APART, GATE, STAY, assign, distance2

VERSION = 1
AGREED_US = 3_000_000
"""Two tracks that were both shown become one when they have been alike for so long."""
PARTED_US = 6_000_000
"""Two that are one become two when they have been apart for so long."""
STAY_SHARE = 0.25
"""Of the overlap: so far beyond its box a region keeps a track that another could have."""
NO_ROWS = empty("tracks")
_Pair = tuple[int, int, int, int]


class Stitcher:
    """Joins the regions' tracks, frame by frame; driven by `step` alone, the same from a checkpoint.

    A track is shown by one region, its owner: that in whose box it lies, with some give at the border. Where two boxes
    overlap both know it, and when it crosses the other goes on under the same number. In a box that is not its own a
    region starts no number while the region there is heard: that one has the same detections.
    """

    def __init__(self, regions: Sequence[TrackerRegion]) -> None:
        """regions: in any order. Raises BadInputError when two have one name."""
        check_distinct("tracker_region", "id", (region.id for region in regions))
        self.regions = tuple(sorted(regions, key=lambda region: region.id))
        self._overlap_m = np.array([1000.0 * region.overlap_km for region in self.regions])
        self._locals: dict[tuple[int, int], LocalTrack] = {}
        self._alike: dict[_Pair, int] = {}
        self._apart: dict[_Pair, int] = {}
        self._absent: set[int] = set()
        self._last = 0

    def step(self, end_us: int, heard: Mapping[str, pa.Table]) -> pa.Table:
        """The rows of the whole picture (schema `tracks`) of the frame that ends at end_us.

        heard: the rows of each region that has come as far; one that is late is left out, and gives what it has when it
        is there again. Its tracks in the overlap are shown by the others meanwhile.
        """
        present = {k for k, region in enumerate(self.regions) if region.id in heard}
        tables = [(k, self._news(k, heard[self.regions[k].id])) for k in sorted(present)]
        self._absent = set(range(len(self.regions))) - present
        tables = [(k, table) for k, table in tables if table.num_rows]
        if not tables:
            return NO_ROWS
        rows = rows_of(tables)
        news = self._take(rows)
        gone = self._pair(news, end_us)
        for one in news:
            if one.picture is None and not one.ended and self._may_start(one):
                self._last += 1
                one.picture = SystemTrack(self._last, {one.region: one}, one)
            elif one.picture is not None:
                self._own(one.picture)
        out = _shown(rows, {(one.region, one.number): one for one in news}, gone)
        self._forget()
        return out

    def _news(self, region: int, table: pa.Table) -> pa.Table:
        """The rows of a region; of one that was away the newest of each track."""
        if region not in self._absent or table.num_rows == 0:
            return table
        return table.take(pa.array(rows_of([(region, table)]).newest))

    def _take(self, rows: Rows) -> list[LocalTrack]:
        """The regions' tracks with a row, as they are now."""
        newest = pa.array(rows.newest)
        beyond = beyond_all(
            self.regions, floats(rows.table["lat"].take(newest)), floats(rows.table["lon"].take(newest))
        )
        news = local_tracks(rows, beyond, homes(beyond))
        for one in news:
            before = self._locals.get((one.region, one.number))
            if before is not None and before.picture is not None:
                one.picture = before.picture
                one.picture.members[one.region] = one
                if one.picture.owner is before:
                    one.picture.owner = one
            self._locals[one.region, one.number] = one
        return news

    def _may_start(self, one: LocalTrack) -> bool:
        return one.home == one.region or (one.home in self._absent and one.fresh)

    def _pair(self, news: list[LocalTrack], end_us: int) -> dict[tuple[int, int], int]:
        """Find which tracks of two regions are of one object; returns the numbers given up by who had them."""
        gone: dict[tuple[int, int], int] = {}
        touched = {(one.region, one.number) for one in news}
        for first in range(len(self.regions)):
            for second in range(first + 1, len(self.regions)):
                a, b = self._shared(first, second), self._shared(second, first)
                if not a or not b or not any((one.region, one.number) in touched for one in (*a, *b)):
                    continue
                cost, partners = self._costs(a, b, end_us)
                found = assign(cost)
                for i, k in partners - set(found):
                    _part(a[i], b[k])
                told = {_key(a[i], b[k]): (a[i], b[k]) for i, k in found if (i, k) not in partners}
                for key in [key for key in self._alike if key[0] == first and key[2] == second and key not in told]:
                    del self._alike[key]
                for key, (one, other) in told.items():
                    lost = self._join(key, one, other, end_us, touched)
                    if lost is not None:
                        gone[lost[0]] = lost[1]
        return gone

    def _shared(self, region: int, other: int) -> list[LocalTrack]:
        """A region's tracks that another may know too."""
        return [
            one
            for (of, _), one in self._locals.items()
            if of == region and not one.ended and one.beyond_m[other] <= self._overlap_m[other]
        ]

    def _costs(self, a: list[LocalTrack], b: list[LocalTrack], end_us: int) -> tuple[np.ndarray, set[tuple[int, int]]]:
        """(cost of each pair, the pairs that are one now); these are dearer to part with."""
        cost, partners = distance2(a, b, end_us), set[tuple[int, int]]()
        place = {id(one): k for k, one in enumerate(b)}
        for i, one in enumerate(a):
            partner = one.picture.members.get(b[0].region) if one.picture else None
            k = place.get(id(partner), -1)
            if k < 0:
                continue
            partners.add((i, k))
            key = _key(one, b[k])
            if cost[i, k] <= APART:
                self._apart.pop(key, None)
                cost[i, k] = min(cost[i, k] - STAY, GATE - STAY)
            elif end_us - self._apart.setdefault(key, end_us) < PARTED_US:
                cost[i, k] = GATE - 1e-3
        return cost, partners

    def _join(
        self, key: _Pair, a: LocalTrack, b: LocalTrack, end_us: int, touched: set[tuple[int, int]]
    ) -> tuple[tuple[int, int], int] | None:
        """Make two tracks one; the number that is given up with the track that had it, if both were shown."""
        if a.picture is None and b.picture is None:
            return None if not (self._may_start(a) or self._may_start(b)) else self._begin(a, b)
        if a.picture is None or b.picture is None:
            shown, other = (a, b) if a.picture is not None else (b, a)
            assert shown.picture is not None
            if other.region not in shown.picture.members:
                shown.picture.members[other.region] = other
                other.picture = shown.picture
            return None
        if set(a.picture.members) & set(b.picture.members):
            return None
        older, younger = sorted((a.picture, b.picture), key=lambda picture: picture.number)
        told = (younger.owner.region, younger.owner.number)
        if end_us - self._alike.setdefault(key, end_us) < AGREED_US or told not in touched:
            return None
        del self._alike[key]
        for one in younger.members.values():
            older.members[one.region] = one
            one.picture = older
        return told, younger.number

    def _begin(self, a: LocalTrack, b: LocalTrack) -> None:
        self._last += 1
        owner = a if a.home == a.region else b
        a.picture = b.picture = SystemTrack(self._last, {a.region: a, b.region: b}, owner)

    def _own(self, picture: SystemTrack) -> None:
        """Give a track to the region it belongs to now."""
        living = [one for one in picture.members.values() if not one.ended]
        owner = picture.owner
        if not living or living == [owner]:
            return

        def rank(one: LocalTrack) -> tuple[bool, bool, bool, float, int]:
            beyond = float(one.beyond_m[one.region])
            stays = one is owner and beyond <= STAY_SHARE * self._overlap_m[one.region]
            return (one.region in self._absent, not one.fresh, not stays, beyond, one.region)

        picture.owner = min(living, key=rank)

    def _forget(self) -> None:
        """Drop the tracks that have ended, and what was noted of them."""
        for key in [key for key, one in self._locals.items() if one.ended]:
            one = self._locals.pop(key)
            if one.picture is not None:
                one.picture.members.pop(one.region, None)
        for noted in (self._alike, self._apart):
            for key in [key for key in noted if key[:2] not in self._locals or key[2:] not in self._locals]:
                del noted[key]

    def checkpoint(self) -> bytes:
        """Everything `restore` needs to go on exactly as this would."""
        tracks = [
            [one.region, one.number, one.time_us, one.x.tolist(), one.classes.tolist(), one.beyond_m.tolist(), one.home,
             one.status, one.address, one.picture.number if one.picture else 0,
             one.picture is not None and one.picture.owner is one]
            for one in self._locals.values()
        ]  # fmt: skip
        notes = [[[list(key), at] for key, at in noted.items()] for noted in (self._alike, self._apart)]
        names = [region.id for region in self.regions]
        return msgspec.msgpack.encode([VERSION, names, tracks, notes, sorted(self._absent), self._last])

    @classmethod
    def restore(cls, blob: bytes, regions: Sequence[TrackerRegion]) -> "Stitcher":
        """One that goes on from a checkpoint of the same regions. Raises BadInputError when it is not one."""
        stitcher = cls(regions)
        try:
            saved: list[Any] = msgspec.msgpack.decode(blob)
            version, names, tracks, notes, absent, last = saved
        except (msgspec.DecodeError, TypeError, ValueError) as error:
            raise BadInputError("stitcher checkpoint", "not readable", "bytes of Stitcher.checkpoint()") from error
        if version != VERSION or names != [region.id for region in stitcher.regions]:
            raise BadInputError("stitcher checkpoint", f"version {version} of {names}", "one of the same regions")
        pictures: dict[int, SystemTrack] = {}
        for region, number, at_us, x, classes, beyond, home, status, address, picture, owns in tracks:
            one = LocalTrack(
                region, number, at_us, np.array(x), np.array(classes), np.array(beyond), home, status, address
            )
            stitcher._locals[region, number] = one
            if picture:
                one.picture = pictures.setdefault(picture, SystemTrack(picture, {}, one))
                one.picture.members[region] = one
                if owns:
                    one.picture.owner = one
        stitcher._alike, stitcher._apart = ({tuple(key): at for key, at in noted} for noted in notes)
        stitcher._absent, stitcher._last = set(absent), last
        return stitcher


def _part(a: LocalTrack, b: LocalTrack) -> None:
    """Let go of the one that is not the owner."""
    assert a.picture is not None
    leaver = a if a.picture.owner is b else b
    del a.picture.members[leaver.region]
    leaver.picture = None


def _key(a: LocalTrack, b: LocalTrack) -> _Pair:
    """Two tracks, whichever is named first."""
    first, second = sorted(((a.region, a.number), (b.region, b.number)))
    return *first, *second


def _shown(rows: Rows, news: Mapping[tuple[int, int], LocalTrack], gone: Mapping[tuple[int, int], int]) -> pa.Table:
    """The rows of the owners under the picture's numbers; the last of each number that is given up."""
    number, ended = np.zeros(rows.track.size, np.int64), np.zeros(rows.track.size, bool)
    last = {(int(rows.region[row]), int(rows.track[row])): int(row) for row in rows.newest}
    for row, key in enumerate(zip(rows.region.tolist(), rows.track.tolist(), strict=True)):
        one = news[key]
        if one.picture is not None and one.picture.owner is one:
            number[row] = one.picture.number
    keep = np.flatnonzero(number > 0)
    order = np.concatenate([keep, np.array([last[key] for key in gone], np.int64)])
    names = np.concatenate([number[keep], np.array(list(gone.values()), np.int64)])
    ended = np.concatenate([np.zeros(keep.size, bool), np.ones(len(gone), bool)])
    if not order.size:
        return NO_ROWS
    table = rows.table.take(pa.array(order))
    table = table.set_column(table.schema.get_field_index("track"), table.schema.field("track"), pa.array(names))
    if not gone:
        return table
    status = pc.if_else(pa.array(ended), "ended", table["status"])
    return table.set_column(table.schema.get_field_index("status"), table.schema.field("status"), status)
