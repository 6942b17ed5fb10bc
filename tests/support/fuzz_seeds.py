# ruff: noqa: E501 (samples of messages)
"""Good messages that fuzz tests begin with: SAPIENT, ASTERIX of every category, pcapng."""

import random
import struct
from typing import Any

import asterix_oracle as oracle
from asterix import generated
from google.protobuf import json_format
from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2

from perisai.sensors.asterix import CATEGORIES

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def sapient_messages() -> list[bytes]:
    """A registration, a status report, an alert, the answer to a task, and reports in each form of place."""
    deg = {"coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M", "datum": "LOCATION_DATUM_WGS84_E"}
    utm = {"coordinateSystem": "LOCATION_COORDINATE_SYSTEM_UTM_M", "datum": "LOCATION_DATUM_WGS84_E", "utmZone": "36N"}
    polar = {"coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM", "datum": "RANGE_BEARING_DATUM_TRUE"}
    reports = [
        {"location": {"x": 30.6, "y": 50.4, "z": 300, "xError": 10, "yError": 10, **deg}},
        {"location": {"x": 329_000, "y": 5_591_000, **utm}},
        {"rangeBearing": {"azimuth": 10, "elevation": 2, "range": 9, "azimuthError": 1, **polar}},
        {"rangeBearing": {"azimuth": 10, **polar}},
    ]
    kinds: list[dict[str, Any]] = [
        {"registration": {
            "nodeDefinition": [{"nodeType": "NODE_TYPE_RADAR"}], "icdVersion": "BSI Flex 335 v2.0", "shortName": "node",
            "capabilities": [{"category": "a", "type": "b"}],
            "statusDefinition": {"statusInterval": {"units": "TIME_UNITS_SECONDS", "value": 5}},
            "modeDefinition": [{
                "modeName": "m", "modeType": "MODE_TYPE_DEFAULT", "settleTime": {"units": "TIME_UNITS_SECONDS", "value": 1},
                "task": {"regionDefinition": {"regionType": ["REGION_TYPE_IGNORE"], "regionArea": [
                    {"locationUnits": deg["coordinateSystem"], "locationDatum": deg["datum"]}]}}}],
            "configData": [{"manufacturer": "a", "model": "b"}]}},
        {"statusReport": {
            "reportId": ULID, "system": "SYSTEM_OK", "info": "INFO_NEW", "mode": "m", "nodeLocation": {"x": 30, "y": 50, **deg},
            "fieldOfView": {"rangeBearing": {"azimuth": 10, "range": 9, "horizontalExtent": 90, **polar}},
            "coverage": [{"locationList": {"locations": [{"x": 30, "y": 50, **deg}, {"x": 31, "y": 50, **deg}] * 2}}],
            "status": [
                {"statusType": "STATUS_TYPE_PD", "statusValue": "70%"},
                {"statusType": "STATUS_TYPE_CLUTTER", "statusLevel": "STATUS_LEVEL_ERROR_STATUS"}]}},
        {"alert": {"alertId": ULID, "description": "a"}},
        {"taskAck": {"taskId": ULID, "taskStatus": "TASK_STATUS_ACCEPTED"}},
    ]  # fmt: skip
    known = {"reportId": ULID, "objectId": ULID, "enuVelocity": {"eastRate": 50, "northRate": 5}, "id": "A1"}
    classes = {"classification": [{"type": "Air Vehicle", "subClass": [{"type": "UAV", "level": 1}]}]}
    kinds += [{"detectionReport": known | classes | one} for one in reports]
    envelope = {"timestamp": "2026-01-01T12:00:00Z", "nodeId": "6b1c9f0e-3c5d-4f0e-9a53-1d8f0a4c7be2"}
    return [
        json_format.ParseDict(envelope | one, sapient_message_pb2.SapientMessage()).SerializeToString() for one in kinds
    ]


def asterix_datagrams() -> list[bytes]:
    """For each category, in its newest edition, records of random bits; of those without a held capture also good ones."""
    rng, source = random.Random(20260101), (("SAC", 25), ("SIC", 201))
    made = []
    for category in CATEGORIES:
        for record, selector, selecting in oracle.records_of(oracle.editions(category)[0]):
            content = b"".join(oracle.random_record(record, selector, selecting, rng, 0.3) for _ in range(3))
            made.append(struct.pack(">BH", category, 3 + len(content)) + content)
    degrees = {"041": (("LAT", (50.1, "°")), ("LON", (30.2, "°")))}
    good: list[tuple[int, dict[str, Any]]] = [
        (20, degrees | {"140": (43_200.0, "s"), "220": 0x3C6444, "105": (1000.0, "ft")}),
        (10, degrees | {"000": 1, "140": (43_200.0, "s")}),
        (205, {"000": 1, "015": 1, "030": (43_200.0, "s"), "050": degrees["041"], "110": (300.0, "m")}),
        (205, {"000": 2, "015": 1, "030": (43_200.0, "s"), "080": (123.4, "°")}),
        (205, {"000": 5, "015": 1, "030": (43_200.0, "s"), "070": (12.3, "°"), "170": 7}),
    ]
    for category, items in good:
        record: Any = generated.manifest["CATS"][category][-1].cv_uap.cv_record
        content = record.create({"010": source, **items}).unparse().to_bytes()
        made.append(struct.pack(">BH", category, 3 + len(content)) + content)
    return made


def pcapng_samples(payloads: list[bytes]) -> list[bytes]:
    """A small pcapng file, of raw IPv4."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    made = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 101, 0, 0))
    for payload in payloads[:6]:
        udp = struct.pack(">HHHH", 8600, 8600, 8 + len(payload), 0) + payload
        packet = struct.pack(">BBHHHBBH8s", 0x45, 0, 20 + len(udp), 1, 0, 9, 17, 0, bytes(8)) + udp
        made += block(6, struct.pack("<IIIII", 0, 372_000, 5, len(packet), len(packet)) + packet)
    return [made]
