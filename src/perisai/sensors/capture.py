"""Captures: find out what a file holds, and import it."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from perisai.model import BadInputError, Sensor

from . import beast, flights, modes, pcap, remote_id, reports, sapient, sbs
from .asterix import import_blocks, looks_like_asterix, split_datagram, split_file, whole_blocks
from .imported import Imported

LIMIT_BYTES = 4 << 30
KNOWN = (
    "an ASTERIX recording (raw or pcap), SAPIENT messages (framed or JSON lines), Mode S (Beast, BaseStation, CSV or "
    "JSONL), Remote ID (raw, hexadecimal or JSON), reports (JSON), OpenSky state vectors (CSV) or flights (JSON); "
    "each also gzipped"
)

_GZIP = b"\x1f\x8b"
_SBS = tuple(kind.encode() for kind in sbs.KINDS)
_REMOTE_ID = re.compile(
    rb'"(?:basic ?id|uas_?id\d?|raw|payload|mac(?:[_ ]address)?|location/vector message|uas_?data|drone_lat)"',
    re.IGNORECASE,
)
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
    if pcap.is_pcap(content):
        rejects: Counter[str] = Counter()
        payloads = pcap.udp_payloads(content, rejects)
        blocks = [block for time_us, payload in payloads for block in split_datagram(payload, time_us, rejects)]
        return import_blocks(blocks, sensors, day, rejects)
    text = _text_importer(content[:65536])
    if text is not None:
        return text(content, source, sensors, day)
    if sapient.looks_like_sapient(content):
        return sapient.import_sapient(content, sensors)
    if beast.looks_like_beast(content):
        return beast.import_beast(content, *receiver(sensors, "adsb"), day)
    if remote_id.looks_like_remote_id(content) and not whole_blocks(content):
        return remote_id.import_remote_id(content, sensors, day)
    if looks_like_asterix(content):
        rejects = Counter()
        return import_blocks(split_file(content, rejects), sensors, day, rejects)
    found = "empty" if not content else f"begins with {content[:8].hex(' ')}, of no format known here"
    raise BadInputError(source, found, KNOWN)


TextImporter = Callable[[bytes, str, Sequence[Sensor], date], Imported]


def _text_importer(head: bytes) -> TextImporter | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"[", b"{")):
        return _json_importer(start)
    lines = start.splitlines()[:3]
    heading = lines[0].lower().split(b",") if lines else []
    if b"icao24" in heading and b"lat" in heading:
        return lambda content, source, sensors, _: flights.import_states(content, source, *receiver(sensors, "opensky"))
    if any(line.split(b",", 1)[0] in _SBS and line.count(b",") >= 9 for line in lines):
        return lambda content, source, sensors, _: sbs.import_sbs(content, *receiver(sensors, "adsb"))
    if any(beast.looks_like_avr(line) for line in lines):
        return lambda content, source, sensors, day: beast.import_avr(content, *receiver(sensors, "adsb"), day)
    if any(remote_id.looks_like_line(line) for line in lines):
        return lambda content, source, sensors, day: remote_id.import_remote_id_lines(content, sensors, day)
    if _FRAMES_CSV.search(start):
        return lambda content, source, sensors, _: modes.import_csv(content, *receiver(sensors, "adsb"))
    return None


def _json_importer(start: bytes) -> TextImporter:
    """By the names in the first object: whole, or cut off where the head ends."""
    first = start[:2000].split(b"\n", 1)[0] if start.startswith(b"{") else start[:2000]
    if b'"frame"' in first:
        return lambda content, source, sensors, _: modes.import_jsonl(content, *receiver(sensors, "adsb"))
    if b'"nodeId"' in first or b'"node_id"' in first:
        return lambda content, source, sensors, _: sapient.import_sapient_json(content, sensors)
    if b'"device"' in first and b'"place"' in first:
        return lambda content, source, sensors, _: reports.import_report_lines(content, sensors)
    if start.startswith(b"[") and b'"timestamp"' in first and b'"latitude"' in first and b'"icao24"' in first:
        return lambda content, source, sensors, _: flights.import_flights(
            content, source, *receiver(sensors, "flights")
        )
    if _REMOTE_ID.search(first):
        return lambda content, source, sensors, day: remote_id.import_remote_id_lines(content, sensors, day)
    if start.startswith(b"["):
        return lambda content, source, sensors, _: flights.import_flights(
            content, source, *receiver(sensors, "flights")
        )
    return lambda content, source, sensors, _: modes.import_jsonl(content, *receiver(sensors, "adsb"))


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
