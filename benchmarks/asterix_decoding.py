"""How many ASTERIX records a second one core decodes, and turns into detections.

    .venv/bin/python benchmarks/asterix_decoding.py

The records are those of the recorded category 048 and 034 (tests/golden/captures/cat_034_048.pcap), over and over, in
data blocks of the size that a radar sends; the same records go through libasterix (pure Python) for the ratio.
"""

import json
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from asterix import base, generated

from perisai.sensors.asterix import Block, import_blocks, split_datagram
from perisai.sensors.asterix.decode import Decoder
from perisai.sensors.asterix.importer import ITEMS
from perisai.sensors.pcap import udp_payloads

CAPTURE = Path(__file__).parents[1] / "tests/golden/captures/cat_034_048.pcap"
RECORDS_A_BLOCK = 8


def traffic(records: int) -> list[Block]:
    """Blocks of category 048 with about so many records in all, received 10 ms apart."""
    payloads = udp_payloads(CAPTURE.read_bytes(), Counter())
    plots = [b.records for at, payload in payloads for b in split_datagram(payload, at, Counter()) if b.category == 48]
    start_us = payloads[0][0]
    blocks = []
    for k in range(records // RECORDS_A_BLOCK):
        chosen = [later(plots[(k * RECORDS_A_BLOCK + j) % len(plots)], k) for j in range(RECORDS_A_BLOCK)]
        blocks.append(Block(48, b"".join(chosen), start_us + 10_000 * k))
    return blocks


def later(record: bytes, ticks: int) -> bytes:
    """The record with its time of day (140, the second item, behind the source) later by ticks of 1/128 s."""
    at = next(k for k, octet in enumerate(record) if octet & 1 == 0) + 3
    time_of_day = (int.from_bytes(record[at : at + 3], "big") + ticks) % (86_400 * 128)
    return record[:at] + time_of_day.to_bytes(3, "big") + record[at + 3 :]


def best(function: Any, repeats: int = 3) -> float:
    """Least processor seconds of some runs: the machine may be shared."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return min(times)


def measure(records: int = 400_000) -> dict[str, float]:
    """Records a second: decoded to columns, all the way to the detections table, and by libasterix."""
    blocks = traffic(records)
    day = date(2016, 5, 5)
    counts: Counter[str] = Counter()
    Decoder(ITEMS).decode(blocks[:10], counts, Counter())
    import_blocks(blocks[:10], [], day, Counter())
    counts.clear()
    Decoder(ITEMS).decode(blocks, counts, Counter())
    n = counts["category 048"]
    slow = blocks[:200]
    uap: Any = generated.manifest["CATS"][48][-1].cv_uap
    few: Counter[str] = Counter()
    Decoder(ITEMS).decode(slow, few, Counter())
    spent = {
        "decode": best(lambda: Decoder(ITEMS).decode(blocks, Counter(), Counter())) / n,
        "detections": best(lambda: import_blocks(blocks, [], day, Counter())) / n,
        "libasterix": best(lambda: [uap.parse(base.Bits.from_bytes(b.records)) for b in slow]) / few["category 048"],
    }
    return {"records": n} | {f"{name}_per_s": round(1.0 / seconds) for name, seconds in spent.items()}


if __name__ == "__main__":
    result = measure()
    if "--json" in sys.argv:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:20} {value:>12,.0f}")
