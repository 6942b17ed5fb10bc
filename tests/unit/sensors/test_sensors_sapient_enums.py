"""A value that the standard's enums do not have, in any message and any of its fields: counted or taken, no failure."""

from collections.abc import Iterator
from typing import Any

from fuzz_seeds import sapient_messages
from google.protobuf.message import Message
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage

from perisai.sensors.sapient import FusionNode

MESSAGES = sapient_messages()


def enums(message: Message) -> Iterator[tuple[Any, str]]:
    """(message, field) of every single enum that is set in a message or in a part of it."""
    for field, value in message.ListFields():
        if field.enum_type is not None and isinstance(value, int):
            yield message, field.name
        elif field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                yield from enums(part)


PLACES = [(content, n) for content in MESSAGES for n in range(len(list(enums(SapientMessage.FromString(content)))))]


def test_a_later_editions_value_fails_nothing() -> None:
    assert len(PLACES) > 30
    for content, number in PLACES:
        message = SapientMessage.FromString(content)
        part, field = list(enums(message))[number]
        setattr(part, field, 58)
        fusion = FusionNode()
        fusion.take(MESSAGES[0], 0)
        reply = fusion.take(message.SerializeToString(), 0)
        if field == "task_status":
            assert reply.answer is not None
            assert reply.answer.status == "58"
