"""Captures: find out what a file holds, and import it."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from perisai.model import BadInputError, Sensor

from . import flights, modes, pcap
from .asterix import import_blocks, looks_like_asterix, split_datagram, split_file
from .imported import Imported

LIMIT_BYTES = 4 << 30
KNOWN = (
    "an ASTERIX recording (raw or pcap), Mode S frames (CSV or JSONL), OpenSky state vectors (CSV) or flights (JSON); "
    "each also gzipped"
)

_GZIP = b"\x1f\x8b"
_FRAMES_CSV = re.compile(rb"^[0-9.eE+]+\s*,\s*\"?(?:[0-9a-fA-F]{28}|[0-9a-fA-F]{14})\b", re.MULTILINE)


def read_capture(path: Path | str, sensors: Sequence[Sensor] | None = None, *, day: date | None = None) -> Imported:
    """Detections of a capture, whatever its format: see KNOWN.

    sensors: those of the sensors file. A radar is looked up by `SAC/SIC` as in its records; receivers of Mode S and
    recorded traffic by `adsb`, `opensky`, `flights`, else the only sensor of kind `modes` gives the name.
    day: of the first record of a raw ASTERIX recording, which has times of day only; by default the UTC date at which
    the file was last changed.
    Raises BadInputError when the file is not there, not readable or of no known format.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise BadInputError(str(path), "larger than 4 GiB", "a capture cut into smaller files")
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(str(path), (error.strerror or "cannot be read").lower(), KNOWN) from error
    return parse_capture(content, str(path), sensors or [], day or changed)


def parse_capture(content: bytes, source: str, sensors: Sequence[Sensor], day: date) -> Imported:
    """As `read_capture`, of bytes; `source` names them in messages."""
    if content.startswith(_GZIP):
        content = _unzipped(content, source)
    if content[:4] in pcap.MAGICS:
        rejects: Counter[str] = Counter()
        payloads = pcap.udp_payloads(content, rejects)
        blocks = [block for time_us, payload in payloads for block in split_datagram(payload, time_us, rejects)]
        return import_blocks(blocks, sensors, day, rejects)
    text = _text_importer(content[:65536])
    if text is not None:
        return text(content, source, sensors)
    if looks_like_asterix(content):
        rejects = Counter()
        return import_blocks(split_file(content, rejects), sensors, day, rejects)
    found = "empty" if not content else f"begins with {content[:8].hex(' ')}, of no format known here"
    raise BadInputError(source, found, KNOWN)


TextImporter = Callable[[bytes, str, Sequence[Sensor]], Imported]


def _text_importer(head: bytes) -> TextImporter | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        return lambda content, source, sensors: flights.import_flights(content, source, *receiver(sensors, "flights"))
    if start.startswith(b"{"):
        return lambda content, source, sensors: modes.import_jsonl(content, *receiver(sensors, "adsb"))
    heading = start.splitlines()[0].lower().split(b",") if start else []
    if b"icao24" in heading and b"lat" in heading:
        return lambda content, source, sensors: flights.import_states(content, source, *receiver(sensors, "opensky"))
    if _FRAMES_CSV.search(start):
        return lambda content, source, sensors: modes.import_csv(content, *receiver(sensors, "adsb"))
    return None


def receiver(sensors: Sequence[Sensor], default: str) -> tuple[str, float]:
    """Id and period, s, of the receiver that traffic is booked on."""
    mine = [sensor for sensor in sensors if sensor.id == default]
    cooperative = [sensor for sensor in sensors if sensor.kind == "modes"]
    chosen = mine or (cooperative if len(cooperative) == 1 else [])
    if chosen:
        return chosen[0].id, chosen[0].period_s or 1.0
    return default, 1.0


def _unzipped(content: bytes, source: str) -> bytes:
    """Raises BadInputError when it is cut off or grows beyond the limit."""
    engine = zlib.decompressobj(wbits=31)
    try:
        result = engine.decompress(content, LIMIT_BYTES)
        if engine.unconsumed_tail:
            raise BadInputError(source, "larger than 4 GiB when unpacked", "a capture cut into smaller files")
        if engine.unused_data:
            result += gzip.decompress(engine.unused_data)
    except (zlib.error, OSError, EOFError) as error:
        raise BadInputError(source, f"not readable as gzip ({error})", KNOWN) from error
    if not engine.eof:
        raise BadInputError(source, "gzip cut off", "a whole file")
    return result
