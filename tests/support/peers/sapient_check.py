"""Holds framed messages (hexadecimal, one a line) against the rules of the standard with the PyPI package
sapient-pydantic; prints `valid` or what is wrong for each."""

import sys

from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2
from sapient_msg_pydantic.bsi_flex_335_v2_0.sapient_message import SapientMessage

for line in sys.stdin:
    message = sapient_message_pb2.SapientMessage()
    message.ParseFromString(bytes.fromhex(line.strip())[4:])
    try:
        SapientMessage.from_pb2(message).to_pb2()
        print("valid", message.WhichOneof("content"))
    except ValueError as error:
        print("not valid", message.WhichOneof("content"), " ".join(str(error).split()))
