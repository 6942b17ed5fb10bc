"""ASTERIX category 065, service status: that this centre is alive, and where each batch of tracks ends
(EUROCONTROL-SPEC-0149-15, edition 1.5)."""

import struct

from .cat062 import time_of_day

STATUS, END_OF_BATCH = 1, 2


def status(sac: int, sic: int, service: int, at_us: int, *, degraded: bool) -> bytes:
    """A status record: operational, or degraded (I065/040 NOGO). at_us: us since 1970-01-01 UTC."""
    items = struct.pack(">BBBB", sac, sic, STATUS, service) + time_of_day(at_us) + bytes((0x40 * degraded,))
    return b"\xf4" + items


def end_of_batch(sac: int, sic: int, service: int, at_us: int, batch: int) -> bytes:
    """The end of a batch of tracks. batch: its number, 0 to 255."""
    return b"\xf8" + struct.pack(">BBBB", sac, sic, END_OF_BATCH, service) + time_of_day(at_us) + bytes((batch % 256,))
