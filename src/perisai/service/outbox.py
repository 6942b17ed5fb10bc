"""What a role gives out, once: also when it does its work again long after a crash.

The bus drops a second message of one identity for some minutes. Beyond that the role looks at what it had published
behind its last checkpoint, and says none of it again.
"""

import pyarrow as pa

from perisai.model import table_bytes

from .bus import Bus


class Outbox:
    """Publishes to some streams. `heads` belongs into the role's checkpoint."""

    def __init__(self, bus: Bus, streams: tuple[str, ...]) -> None:
        self._bus = bus
        self.heads = dict.fromkeys(streams, 0)
        self._said: set[str] = set()

    async def resume(self, heads: dict[str, int]) -> None:
        """Learn what was published behind the checkpoint with these heads."""
        for stream in self.heads:
            head = heads.get(stream, 0)
            self.heads[stream] = head
            last = await self._bus.last_sequence(stream)
            if last > head:
                self._said |= await self._bus.identities(stream, head, last)

    async def publish(self, stream: str, subject: str, data: bytes, identity: str, end_us: int) -> None:
        """Publish unless it was published before."""
        if identity in self._said:
            self._said.discard(identity)
            return
        self.heads[stream] = await self._bus.publish(subject, data, identity, end_us)

    async def publish_table(self, stream: str, subject: str, table: pa.Table, identity: str, end_us: int) -> None:
        """Publish a table as Arrow."""
        await self.publish(stream, subject, table_bytes(table), identity, end_us)
