"""Which tracks are held to be of neutral traffic."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def neutral(tracks: pa.Table) -> Any:
    """A bool for each row: an identity held without conflict on a flight that is an aircraft's."""
    known = pc.and_(pc.is_valid(tracks["address"]), pc.equal(pc.fill_null(pc.list_value_length(tracks["flags"]), 0), 0))
    return pc.and_(known, pc.greater_equal(pc.fill_null(tracks["p_aircraft"], 0.0), 0.5))
