"""Golden figures of the captures by decoders that others wrote; run by hand, in an environment of its own.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install asterix-decoder==0.7.11 pyModeS==3.6.1 dpkt==1.9.8
    /tmp/oracle/bin/python tests/golden/oracle_sensors.py

Writes sensors_asterix.json (Croatia Control's asterix-decoder) and sensors_modes.json (pyModeS) beside itself. Both
decoders are GPL: they are no dependency of Perisai, and only the figures they gave are kept.
"""

import gzip
import json
import struct
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
CAPTURES = HERE / "captures"
SHARED = HERE.parents[2] / "shared/data/formats/adsb"
ASTERIX = ("cat034.raw", "cat048.raw", "cat062cat065.raw", "cat21_re.ast")
PCAPS = ("cat_001_002.pcap", "cat_034_048.pcap", "cat_062_065.pcap")
FIELDS = {
    "sac": ("I010", "SAC"),
    "sic": ("I010", "SIC"),
    "time_of_day_s": (("I140", "ToD"), ("I070", "ToT"), ("I073", "time_reception_position"), ("I030", "ToD")),
    "truncated_s": ("I141", "TToD"),
    "rho_nm": ("I040", "RHO"),
    "theta_deg": ("I040", "THETA"),
    "lat": (("I105", "Lat"), ("I130", "Lat")),
    "lon": (("I105", "Lon"), ("I130", "Lon")),
    "vx_mps": ("I185", "Vx"),
    "vy_mps": ("I185", "Vy"),
    "address": (("I220", "ACAddr"), ("I080", "TAddr")),
    "type": ("I020", "TYP"),
}


def blocks(path: Path) -> list[bytes]:
    """The ASTERIX bytes of a file; the recorder's own header of 6 bytes before each block of cat_001_002 is dropped."""
    content = path.read_bytes()
    if path.suffix != ".pcap":
        return [content]
    import dpkt

    with path.open("rb") as file:
        payloads = [dpkt.ethernet.Ethernet(packet).data.data.data for _, packet in dpkt.pcap.Reader(file)]
    if path.name != "cat_001_002.pcap":
        return payloads
    found = []
    for payload in payloads:
        at = 0
        while at < len(payload):
            size = struct.unpack_from(">H", payload, at)[0]
            found.append(payload[at + 6 : at + size])
            at += size
    return found


def field(record: dict, places: tuple) -> object:
    for item, sub in places if isinstance(places[0], tuple) else (places,):
        if item in record and sub in record[item]:
            return record[item][sub]["val"]
    return None


def of_asterix(path: Path) -> dict:
    import asterix

    records = [record for block in blocks(path) for record in asterix.parse(block)]
    rows = []
    for record in records:
        row = {name: field(record, places) for name, places in FIELDS.items()}
        rows.append(
            {"category": record["category"]} | {name: value for name, value in row.items() if value is not None}
        )
    counts = Counter(f"category {record['category']:03d}" for record in records)
    return {"counts": dict(sorted(counts.items())), "records": rows}


def of_modes(lines: list[tuple[float, str]]) -> dict:
    import pyModeS

    decoder = pyModeS.PipeDecoder()
    counts: Counter[str] = Counter()
    positions = 0
    samples = []
    for seconds, frame in lines:
        message = decoder.decode(frame.upper(), timestamp=seconds)
        kind = f"DF{message['df']}"
        code = message.get("typecode")
        if message["df"] in (17, 18) and code is not None:
            airborne = 9 <= code <= 18 or 20 <= code <= 22
            register = (
                "05" if airborne else "06" if 5 <= code <= 8 else "08" if code <= 4 else "09" if code == 19 else None
            )
            kind += f" BDS{register or {29: '62', 31: '65', 28: '61'}.get(code, code)}"
            if airborne and message.get("latitude") is not None:
                positions += 1
                if positions % 25 == 1:
                    at = [message["latitude"], message["longitude"], message.get("altitude")]
                    samples.append([seconds, message["icao"].lower(), *at])
        counts[kind] += 1
    return {"counts": dict(sorted(counts.items())), "positions": positions, "samples": samples}


def csv_lines(text: str) -> list[tuple[float, str]]:
    return [(float(line.split(",")[0]), line.split(",")[1].strip('"')) for line in text.splitlines()]


def jsonl_lines(text: str) -> list[tuple[float, str]]:
    return [(row["timestamp"], row["frame"]) for row in map(json.loads, text.splitlines())]


def main() -> None:
    source = "asterix-decoder 0.7.11 (Croatia Control, PyPI), Python interface"
    figures = {name: of_asterix(CAPTURES / name) for name in (*ASTERIX, *PCAPS)}
    (HERE / "sensors_asterix.json").write_text(json.dumps({"source": source, "files": figures}, indent=1) + "\n")
    files = {
        "sample_data_adsb.csv.gz": csv_lines(
            gzip.decompress((CAPTURES / "sample_data_adsb.csv.gz").read_bytes()).decode()
        ),
        "tutorial_cut.jsonl.gz": jsonl_lines(
            gzip.decompress((CAPTURES / "tutorial_cut.jsonl.gz").read_bytes()).decode()
        ),
        "tutorial.jsonl.gz": jsonl_lines(gzip.decompress((SHARED / "tutorial.jsonl.gz").read_bytes()).decode()),
    }
    figures = {name: of_modes(lines) for name, lines in files.items()}
    figures["tutorial.jsonl.gz"].pop("samples")
    source = "pyModeS 3.6.1 (PyPI), PipeDecoder with its defaults"
    (HERE / "sensors_modes.json").write_text(json.dumps({"source": source, "files": figures}) + "\n")


if __name__ == "__main__":
    main()
