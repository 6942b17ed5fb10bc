"""What is known of the regions' tracks: the newest row of each, as plain numbers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perisai.model import THREATS, floats, time_us

LAT, LON, VE, VN, P_EE, P_EN, P_NN, V_EE, V_EN, V_NN = range(10)
PLAIN = ("lat", "lon", "ve_mps", "vn_mps", "p_ee", "p_en", "p_nn", "v_ee", "v_en", "v_nn")


@dataclass(slots=True, eq=False)
class LocalTrack:
    """One region's track, and what it is called in the whole picture.

    region: its place in the list of regions. x (10,): PLAIN, of the newest row; classes (6,): its class probabilities.
    beyond_m (regions,): how far it lies outside each region's box. home: the region it belongs to by its place.
    picture: the track of the whole picture it is part of, None while it is not shown.
    """

    region: int
    number: int
    time_us: int
    x: np.ndarray
    classes: np.ndarray
    beyond_m: np.ndarray
    home: int
    status: str
    address: str | None
    picture: "SystemTrack | None" = None

    @property
    def ended(self) -> bool:
        return self.status == "ended"

    @property
    def fresh(self) -> bool:
        """Whether it was measured lately."""
        return self.status in ("tentative", "confirmed")


@dataclass(slots=True, eq=False)
class SystemTrack:
    """A track of the whole picture: the tracks of one object, at most one a region; the rows of the owner are shown."""

    number: int
    members: dict[int, LocalTrack]
    owner: LocalTrack


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of all regions in one table, in the order of the regions; newest: the last row of each of their tracks."""

    table: pa.Table
    region: np.ndarray
    track: np.ndarray
    newest: np.ndarray


def rows_of(tables: list[tuple[int, pa.Table]]) -> Rows:
    """The rows of (region, table) pairs."""
    table = pa.concat_tables([table for _, table in tables])
    region = np.repeat([region for region, _ in tables], [table.num_rows for _, table in tables])
    track = np.asarray(table["track"].combine_chunks().to_numpy(zero_copy_only=False), np.int64)
    last = {key: row for row, key in enumerate(zip(region.tolist(), track.tolist(), strict=True))}
    return Rows(table, region, track, np.array(sorted(last.values()), np.int64))


def local_tracks(rows: Rows, beyond_m: np.ndarray, home: np.ndarray) -> list[LocalTrack]:
    """The newest row of each track as a LocalTrack; beyond_m (regions, newest) and home (newest) of their places."""
    table = rows.table.take(pa.array(rows.newest))
    x = np.stack([floats(table[name]) for name in PLAIN], axis=1)
    classes = np.nan_to_num(np.stack([floats(table[f"p_{threat}"]) for threat in THREATS], axis=1))
    columns = (
        rows.region[rows.newest].tolist(), rows.track[rows.newest].tolist(), time_us(table["time"]).tolist(),
        home.tolist(), table["status"].to_pylist(), table["address"].to_pylist(),
    )  # fmt: skip
    return [
        LocalTrack(region, number, at_us, x[k], classes[k], beyond_m[:, k], at_home, status or "confirmed", address)
        for k, (region, number, at_us, at_home, status, address) in enumerate(zip(*columns, strict=True))
    ]
