"""What one core, one disk and one bus carry, in processor time: `python benchmarks/capacity.py` -> capacity.json.

The feed is the load published for ARTAS (30 radars, 2,000 reports/s, 4,000 targets). Processor time, because other work
shares the machine. docs/operations.md extrapolates from it.
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from perisai.service.bench.mixed_feed import feed
from perisai.service.bus import table_bytes
from perisai.service.trusted import TrustedTracker
from perisai.tracking import TrackerSettings
from perisai.trust import TrustSettings

SECONDS, SETTLED = 40.0, 15


def main() -> None:
    sensors, frames = feed(SECONDS, 1)
    stage = TrustedTracker(sensors, TrackerSettings(), TrustSettings())
    spent: dict[str, list[float]] = {"trust": [], "tracker": []}
    rows = []
    for frame in frames:
        began = time.process_time()
        believed = stage.trust.step(frame)
        middle = time.process_time()
        rows.append(stage.tracker.step(believed))
        tracked = time.process_time()
        stage.trust.learn(rows[-1], frame.end_us)
        spent["trust"].append(middle - began + time.process_time() - tracked)
        spent["tracker"].append(tracked - middle)
    began = time.process_time()
    blob = stage.checkpoint()
    saving_s = time.process_time() - began
    reports = [frame.table.num_rows for frame in frames[SETTLED:]]
    out = {
        "command": "python benchmarks/capacity.py",
        "reports_per_s": round(float(np.mean(reports))),
        "tracks": len(set(rows[-1]["track"].to_pylist()) | {t for r in rows[-12:] for t in r["track"].to_pylist()}),
        "suspects": len(stage.standing().sensors),
        "tracker_cpu_ms_a_frame": round(1e3 * float(np.median(spent["tracker"][SETTLED:])), 1),
        "trust_cpu_ms_a_frame": round(1e3 * float(np.median(spent["trust"][SETTLED:])), 1),
        "checkpoint_cpu_ms": round(1e3 * saving_s, 1),
        "checkpoint_mb": round(len(blob) / 1e6, 1),
        "bus_bytes_a_report": round(len(table_bytes(frames[-1].table)) / frames[-1].table.num_rows),
        "bus_bytes_a_track_row": round(len(table_bytes(rows[-1])) / rows[-1].num_rows),
        "disk_bytes_a_report": _on_disk([frame.table for frame in frames[SETTLED:]]),
        "disk_bytes_a_track_row": _on_disk(rows[SETTLED:]),
        "track_rows_per_s": round(float(np.mean([table.num_rows for table in rows[SETTLED:]]))),
    }
    text = json.dumps(out, indent=1)
    Path(__file__).with_suffix(".json").write_text(text + "\n")
    print(text)


def _on_disk(tables: list) -> int:
    """Bytes a row in Parquet as the recorder writes it."""
    import pyarrow as pa

    whole = pa.concat_tables(tables)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.parquet"
        pq.write_table(whole, path, compression="zstd")
        return round(path.stat().st_size / whole.num_rows)


if __name__ == "__main__":
    main()
