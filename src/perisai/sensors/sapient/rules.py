"""What makes a message valid: the options that the standard's own definitions give each field.

The definitions mark fields as mandatory, as a UUID or as a ULID (proto_options.proto of BSI Flex 335 v2.0); they are
read from the compiled descriptors, so they cannot differ from the standard.
"""

import re
import uuid
from functools import cache
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message
from sapient_msg import proto_options_pb2 as options
from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2

from perisai.model import BadInputError

VERSION = "BSI Flex 335 v2.0"
MAX_FAULTS = 20
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}\Z", re.IGNORECASE)


class _Rules(NamedTuple):
    mandatory: tuple[str, ...]
    one_of: tuple[tuple[str, tuple[str, ...]], ...]
    uuids: tuple[str, ...]
    ulids: tuple[str, ...]


def decode(content: bytes) -> Any:
    """A SapientMessage. Raises BadInputError when the bytes are none."""
    message = sapient_message_pb2.SapientMessage()
    try:
        message.ParseFromString(content)
    except (DecodeError, RuntimeError) as error:
        raise BadInputError("message", "does not decode", f"a SapientMessage of {VERSION}") from error
    return message


def faults(message: Message, place: str = "") -> list[str]:
    """What is missing or malformed, one line each, at most MAX_FAULTS; empty for a valid message."""
    found: list[str] = []
    _check(message, place, found)
    return found[:MAX_FAULTS]


def _check(message: Any, place: str, found: list[str]) -> None:
    if len(found) >= MAX_FAULTS:
        return
    rules = _rules(message.DESCRIPTOR)
    given = {field.name: value for field, value in message.ListFields()}
    found += [f"{place}{name}: missing" for name in rules.mandatory if name not in given]
    for name, members in rules.one_of:
        if not any(member in given for member in members):
            found.append(f"{place}{name}: missing; one of {', '.join(members)} expected")
    found += [f"{place}{name}: no UUID" for name in rules.uuids if name in given and not is_uuid(given[name])]
    found += [f"{place}{name}: no ULID" for name in rules.ulids if name in given and not is_ulid(given[name])]
    for name, value in given.items():
        if isinstance(value, Message):
            _check(value, f"{place}{name}.", found)
        elif not isinstance(value, (str, bytes, int, float)):
            for number, inner in enumerate(value):
                if isinstance(inner, Message):
                    _check(inner, f"{place}{name}[{number}].", found)


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def is_ulid(text: str) -> bool:
    """26 characters of Crockford's base 32, of 128 bits."""
    return _ULID.match(text) is not None


def enum_name(kind: Any, number: int) -> str:
    """The name of a value of an enum; the number itself where the standard has none (a later edition may)."""
    return kind.Name(number) if number in kind.values() else str(number)


@cache
def _rules(descriptor: Any) -> _Rules:
    def marked(option: str) -> tuple[str, ...]:
        return tuple(
            field.name
            for field in descriptor.fields
            if getattr(field.GetOptions().Extensions[options.field_options], option)
        )

    one_of = tuple(
        (group.name, tuple(field.name for field in group.fields))
        for group in descriptor.oneofs
        if group.GetOptions().Extensions[options.oneof_options].is_mandatory
    )
    return _Rules(marked("is_mandatory"), one_of, marked("is_uuid"), marked("is_ulid"))
