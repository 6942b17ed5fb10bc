"""The transport of SAPIENT: each message behind its length in four bytes, least significant first."""

import struct

MAX_FRAME_BYTES = 1 << 20
HEADER = 4


def frame(message: bytes) -> bytes:
    """A message as it goes over the connection."""
    return struct.pack("<I", len(message)) + message


class Framer:
    """Cuts a stream into messages. `too_long` is the length of the message that ended it, else 0.

    What follows a length beyond the limit cannot be told from its body: the connection is to be closed then.
    """

    def __init__(self, limit: int = MAX_FRAME_BYTES) -> None:
        self.limit = limit
        self.too_long = 0
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete."""
        if self.too_long:
            return []
        self._rest += data
        messages: list[bytes] = []
        at = 0
        while at + HEADER <= len(self._rest):
            size = struct.unpack_from("<I", self._rest, at)[0]
            if size > self.limit:
                self.too_long = size
                break
            if at + HEADER + size > len(self._rest):
                break
            messages.append(bytes(self._rest[at + HEADER : at + HEADER + size]))
            at += HEADER + size
        del self._rest[:at]
        return messages

    @property
    def waiting(self) -> int:
        """Bytes of a message that is not whole yet."""
        return len(self._rest)
