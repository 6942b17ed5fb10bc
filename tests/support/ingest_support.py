"""What the tests of live inputs share."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from perisai.model import SensorHealth, empty
from perisai.service.ingest.settings import LiveInput
from perisai.service.ingest.sink import Sink


class Store:
    """Takes the place of the ingest role: what was accepted, and how often it was slow or failed."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.tables: list[pa.Table] = []
        self.identities: list[str] = []
        self.health: list[SensorHealth] = []

    async def accept(self, source: str, table: pa.Table, identity: str) -> int:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        self.tables.append(table)
        self.identities.append(identity)
        return table.num_rows

    async def last(self, source: str) -> str:
        return f"{source}-{self.identities[-1]}" if self.identities else ""

    async def hear(self, source: str, told: Sequence[SensorHealth], identity: str) -> None:
        self.health += told
        self.identities.append(f"health-{identity}")

    @property
    def table(self) -> pa.Table:
        return pa.concat_tables(self.tables) if self.tables else empty("detections")

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.table.to_pylist()


def sink(settings: LiveInput, store: Store) -> Sink:
    return Sink(settings, store)  # type: ignore[arg-type]


async def until(true: Callable[[], bool], patience_s: float = 20.0) -> None:
    """Wait for it; TimeoutError when it does not come."""
    async with asyncio.timeout(patience_s):
        while not true():
            await asyncio.sleep(0.02)


async def ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
