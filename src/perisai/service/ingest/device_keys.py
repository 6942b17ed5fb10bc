"""Signed reports: the public keys of devices, and whether a body comes from the device it names."""

import base64
import binascii
from collections import Counter
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from perisai.model import BadInputError, Sensor
from perisai.sensors.reports import Report

from ..files import read_text

HEADER = "Perisai-Signature"
"""`DEVICE SIGNATURE`: the key of the device, and its Ed25519 signature of the body in base64."""


class DeviceKeys:
    """Which devices sign. Without any nothing is asked; with some, devices of the sensors file have to sign, too."""

    def __init__(self, keys: dict[str, Ed25519PublicKey], sensors: Sequence[Sensor] = ()) -> None:
        self._keys = keys
        self._asked = {*keys, *(sensor.id for sensor in sensors)} if keys else set[str]()

    def signer(self, header: str, body: bytes) -> str:
        """The device whose signature of the body came along, empty when none did or it is wrong."""
        device, _, signature = header.strip().rpartition(" ")
        key = self._keys.get(device)
        if key is None:
            return ""
        try:
            key.verify(base64.b64decode(signature, validate=True), body)
        except (InvalidSignature, binascii.Error, ValueError):
            return ""
        return device

    def sift(self, reports: Sequence[Report], signer: str, rejects: Counter[str]) -> list[Report]:
        """The reports that need no signature or are those of the signer; the others are counted."""
        good = [one for one in reports if one.device not in self._asked or one.device == signer]
        if len(good) < len(reports):
            rejects["reports: not signed by its device"] += len(reports) - len(good)
        return good


def read_device_keys(path: str, sensors: Sequence[Sensor]) -> DeviceKeys:
    """Keys from a file with a line `DEVICE PUBLIC-KEY` each (Ed25519, 32 bytes in base64); none when path is empty.

    Raises BadInputError naming the file and the line.
    """
    keys: dict[str, Ed25519PublicKey] = {}
    lines = read_text(path, "a file of device keys").splitlines() if path else []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        device, _, key = line.strip().rpartition(" ")
        try:
            keys[device.strip()] = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        except (binascii.Error, ValueError) as error:
            raise BadInputError(f"{path}: line {number}", str(error), "DEVICE and 32 bytes in base64") from error
    return DeviceKeys(keys, sensors)
