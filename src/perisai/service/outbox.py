"""What a role gives out, once: also when it does its work again long after a crash.

The bus drops a second message of one identity for some minutes. Beyond that the role looks at what it had published
behind its last checkpoint, and says none of it again.
"""

import asyncio

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
        # All streams at once: a standby that takes over has three seconds.
        for said in await asyncio.gather(*(self._behind(stream, heads.get(stream, 0)) for stream in self.heads)):
            self._said |= said

    async def _behind(self, stream: str, head: int) -> set[str]:
        self.heads[stream] = head
        last = await self._bus.last_sequence(stream)
        return await self._bus.identities(stream, head, last) if last > head else set()

    async def publish(self, stream: str, subject: str, data: bytes, identity: str, end_us: int) -> None:
        """Publish unless it was published before."""
        if identity in self._said:
            self._said.discard(identity)
            return
        self.heads[stream] = await self._bus.publish(subject, data, identity, end_us)

    async def publish_table(self, stream: str, subject: str, table: pa.Table, identity: str, end_us: int) -> None:
        """Publish a table as Arrow."""
        await self.publish(stream, subject, table_bytes(table), identity, end_us)
