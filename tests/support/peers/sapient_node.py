"""A SAPIENT node built on the PyPI package sapient-py (its bindings and its framing), of which Perisai knows nothing.

Argument: the port. Standard input: one step a line; standard output: one JSON object for each reply, `null` when none
comes within the time that the step allows.
"""

import json
import socket
import sys
import time
import uuid

from google.protobuf import json_format
from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2 as sapient
from sapient_py.framing import encode_frame, read_frame

NODE = str(uuid.uuid5(uuid.NAMESPACE_DNS, "node"))
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def message(node=NODE):
    made = sapient.SapientMessage()
    made.timestamp.GetCurrentTime()
    made.node_id = node
    return made


def registration(node_type="NODE_TYPE_RADAR", name="radar-7", interval_s=20.0):
    body = {
        "nodeDefinition": [{"nodeType": node_type}],
        "icdVersion": "BSI Flex 335 v2.0",
        "shortName": name,
        "capabilities": [{"category": "radar", "type": "range"}],
        "statusDefinition": {"statusInterval": {"units": "TIME_UNITS_SECONDS", "value": interval_s}},
        "modeDefinition": [
            {
                "modeName": "default",
                "modeType": "MODE_TYPE_DEFAULT",
                "settleTime": {"units": "TIME_UNITS_SECONDS", "value": 1},
                "detectionDefinition": [
                    {
                        "locationType": {
                            "locationUnits": "LOCATION_COORDINATE_SYSTEM_UTM_M",
                            "zone": "36N",
                            "locationDatum": "LOCATION_DATUM_WGS84_E",
                        },
                        "velocityType": {
                            "enuVelocityUnits": {"eastNorthRateUnits": "SPEED_UNITS_KPH"},
                            "locationDatum": "LOCATION_DATUM_WGS84_E",
                        },
                    }
                ],
                "task": {
                    "regionDefinition": {
                        "regionType": ["REGION_TYPE_AREA_OF_INTEREST"],
                        "regionArea": [
                            {
                                "locationUnits": "LOCATION_COORDINATE_SYSTEM_UTM_M",
                                "locationDatum": "LOCATION_DATUM_WGS84_E",
                            }
                        ],
                    }
                },
            }
        ],
        "configData": [{"manufacturer": "none", "model": "test"}],
    }
    made = message()
    json_format.ParseDict(body, made.registration)
    return made


def status(system="SYSTEM_OK"):
    made = message()
    json_format.ParseDict(
        {
            "reportId": ULID,
            "system": system,
            "info": "INFO_NEW",
            "mode": "default",
            "nodeLocation": {
                "x": 30.5,
                "y": 50.4,
                "z": 180.0,
                "coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M",
                "datum": "LOCATION_DATUM_WGS84_E",
            },
            "fieldOfView": {
                "rangeBearing": {
                    "azimuth": 90,
                    "range": 20,
                    "horizontalExtent": 120,
                    "coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM",
                    "datum": "RANGE_BEARING_DATUM_TRUE",
                }
            },
            "status": [
                {"statusLevel": "STATUS_LEVEL_INFORMATION_STATUS", "statusType": "STATUS_TYPE_PD", "statusValue": "0.8"}
            ],
        },
        made.status_report,
    )
    return made


def detection(place, **more):
    made = message()
    body = {
        "reportId": ULID,
        "objectId": ULID,
        "detectionConfidence": 0.9,
        "classification": [
            {
                "type": "Air Vehicle",
                "confidence": 0.9,
                "subClass": [{"type": "UAV Fixed Wing", "confidence": 0.8, "level": 1}],
            }
        ],
    }
    json_format.ParseDict({**body, **place, **more}, made.detection_report)
    return made


DEGREES = {
    "location": {
        "x": 30.6,
        "y": 50.45,
        "z": 400,
        "xError": 20,
        "yError": 20,
        "coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M",
        "datum": "LOCATION_DATUM_WGS84_E",
    }
}
UTM = {
    "location": {
        "x": 329_000,
        "y": 5_591_000,
        "coordinateSystem": "LOCATION_COORDINATE_SYSTEM_UTM_M",
        "datum": "LOCATION_DATUM_WGS84_E",
    }
}
POLAR = {
    "rangeBearing": {
        "azimuth": 90,
        "elevation": 3,
        "range": 12,
        "azimuthError": 0.5,
        "rangeError": 0.05,
        "coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM",
        "datum": "RANGE_BEARING_DATUM_TRUE",
    }
}
BEARING = {
    "rangeBearing": {
        "azimuth": 1.0,
        "coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_RADIANS_M",
        "datum": "RANGE_BEARING_DATUM_TRUE",
    }
}


def alert():
    made = message()
    made.alert.alert_id = ULID
    made.alert.description = "cover opened"
    return made


def ack():
    made = message()
    made.task_ack.task_id = TASK[-1]
    made.task_ack.task_status = made.task_ack.TASK_STATUS_ACCEPTED
    return made


TASK = [ULID]
"""Tasks that came."""

STEPS = {
    "register": registration,
    "register_quick": lambda: registration(interval_s=1.0),
    "register_jammer": lambda: registration("NODE_TYPE_JAMMER"),
    "register_empty": lambda: (made := message(), made.registration.SetInParent(), made)[2],
    "status": status,
    "goodbye": lambda: status("SYSTEM_GOODBYE"),
    "degrees": lambda: detection(DEGREES, enuVelocity={"eastRate": 180, "northRate": 0}, id="SERIAL1"),
    "utm": lambda: detection(UTM),
    "polar": lambda: detection(POLAR),
    "bearing": lambda: detection(BEARING),
    "bird": lambda: detection(DEGREES, classification=[{"type": "Animal", "confidence": 1.0}]),
    "no_place": lambda: detection({}),
    "alert": alert,
    "ack": ack,
}


def main():
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
    stream = connection.makefile("rb")
    for line in sys.stdin:
        step, _, wait = line.strip().partition(" ")
        if step == "garbage":
            connection.sendall((9).to_bytes(4, "little") + b"\xff" * 9)
        elif step == "huge":
            connection.sendall((1 << 30).to_bytes(4, "little") + b"x")
        elif step == "sleep":
            time.sleep(float(wait))
            continue
        elif step != "listen":
            connection.sendall(encode_frame(STEPS[step]()))
        connection.settimeout(float(wait or 20))
        try:
            reply = read_frame(stream, sapient.SapientMessage)
            if reply.WhichOneof("content") == "task":
                TASK.append(reply.task.task_id)
            told = json_format.MessageToDict(reply, preserving_proto_field_name=True)
            print(json.dumps(told | {"hex": encode_frame(reply).hex()}), flush=True)
        except (TimeoutError, EOFError, OSError) as error:
            print(json.dumps({"none": type(error).__name__}), flush=True)
            stream = connection.makefile("rb")


main()
