"""How channels, partners and inputs stand, and tasks for sensors: answered by the process that does the work.

In a centre of one process that is this one. Where roles are processes of their own, the one that has the lease of the
role gateway answers for channels and partners, every process of the role ingest for its inputs.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from perisai.model import BadInputError, ResourceError

from .bus import ASK, Bus
from .channels.post_outlets import WebPushOutlet
from .ingest.inputs import Inputs
from .ingest.sapient_server import ANSWER_S, SapientInput
from .partners.exchange import Exchange
from .roles.channels import Channels

T = TypeVar("T")
Rows = list[dict[str, Any]]
SOON_S = 2.0
"""How long the holder of a lease has to answer; a take-over may take longer, and nobody answers meanwhile."""
INPUTS_S = 0.3
"""How long all processes of the role ingest have to answer: how many there are nobody knows."""
CHANNELS, SIRENS, PARTNERS, PUSH, INPUTS, TASKS = "channels", "sirens", "partners", "push", "inputs", "tasks"


class Sirens(msgspec.Struct, frozen=True):
    """What sirens say of themselves (see `Channels.sirens`), and how many reports each channel took."""

    rows: list[dict[str, Any]]
    reports: dict[str, int]


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a task: the node's answer, or why it was not sent."""

    task: str = ""
    status: str = ""
    reason: str = ""
    refused: tuple[str, str, str] | None = None


class Work:
    """Asks, and answers what other processes ask. bus: None where this process does everything."""

    def __init__(self, channels: Channels, exchange: Exchange, inputs: Inputs, bus: Bus | None = None) -> None:
        self._channels, self._exchange, self._inputs, self._bus = channels, exchange, inputs, bus

    async def channels(self) -> list[dict[str, Any]]:
        """Each channel (see `Channels.status`). Raises ResourceError while no process has the role gateway."""
        return self._channels.status() if self._bus is None else await self._gateway(self._bus, CHANNELS, Rows)

    async def sirens(self) -> Sirens:
        """Raises ResourceError while no process has the role gateway."""
        return self._sirens() if self._bus is None else await self._gateway(self._bus, SIRENS, Sirens)

    async def partners(self) -> list[dict[str, Any]]:
        """Each partner (see `Exchange.status`). Raises ResourceError while no process has the role gateway."""
        return self._exchange.status() if self._bus is None else await self._gateway(self._bus, PARTNERS, Rows)

    async def push_key(self) -> str:
        """The key by which browsers know who pushes. Raises ResourceError while no process has the role gateway."""
        return self._push_key() if self._bus is None else await self._gateway(self._bus, PUSH, str)

    async def inputs(self) -> list[dict[str, Any]]:
        """Each input of every process (see `InputState`)."""
        if self._bus is None:
            return msgspec.to_builtins(self._inputs.states())
        answers = await self._bus.ask(f"{ASK}.{INPUTS}", b"", INPUTS_S)
        rows = [row for answer in answers for row in msgspec.json.decode(answer, type=Rows)]
        return sorted(rows, key=lambda row: row["name"])

    async def task(self, name: str, node: str, command: str, value: str) -> Told | None:
        """What a node of an input says of a task; None when no process has such an input that takes tasks.

        Raises BadInputError when the node is not connected or does not do such a thing.
        """
        if self._bus is None:
            told = await self._told(name, node, command, value)
        else:
            question = msgspec.json.encode([name, node, command, value])
            most = len(await self._bus.ask(f"{ASK}.{INPUTS}", b"", INPUTS_S))
            answers = await self._bus.ask(
                f"{ASK}.{TASKS}", question, ANSWER_S + 1.0, lambda told: len(told) >= most or _settled(told)
            )
            found = [one for one in (msgspec.json.decode(answer, type=Told | None) for answer in answers) if one]
            told = next((one for one in found if not one.refused), found[0] if found else None)
        if told and told.refused:
            raise BadInputError(*told.refused)
        return told

    async def answer_for_gateway(self) -> None:
        """Tell others how channels, sirens and partners are, until cancelled."""
        channels, partners = self._channels.status, self._exchange.status
        await self._answer({CHANNELS: channels, SIRENS: self._sirens, PARTNERS: partners, PUSH: self._push_key})

    async def answer_for_ingest(self) -> None:
        """Tell others how the inputs are, and carry their tasks to the nodes, until cancelled."""
        await self._answer({INPUTS: self._inputs.states}, self._task_of)

    async def _answer(
        self, status: dict[str, Callable[[], Any]], task: Callable[[bytes], Coroutine[Any, Any, bytes]] | None = None
    ) -> None:
        async def how(subject: str, question: bytes) -> bytes:
            about = subject.removeprefix(f"{ASK}.")
            if task is not None and about == TASKS:
                return await task(question)
            return msgspec.json.encode(status[about]())

        assert self._bus is not None
        await self._bus.answer([f"{ASK}.{about}" for about in (*status, *((TASKS,) if task else ()))], how)

    def _sirens(self) -> Sirens:
        return Sirens(self._channels.sirens(), self._channels.siren_reports())

    def _push_key(self) -> str:
        return self._channels.find(WebPushOutlet).public_key

    async def _gateway(self, bus: Bus, about: str, form: type[T]) -> T:
        answers = await bus.ask(f"{ASK}.{about}", b"", SOON_S, bool)
        if not answers:
            raise ResourceError(f"{about}: no process with the role gateway answers")
        return msgspec.json.decode(answers[0], type=form)

    async def _task_of(self, question: bytes) -> bytes:
        return msgspec.json.encode(await self._told(*msgspec.json.decode(question, type=tuple[str, str, str, str])))

    async def _told(self, name: str, node: str, command: str, value: str) -> Told | None:
        reader = self._inputs.readers.get(name)
        if not isinstance(reader, SapientInput):
            return None
        try:
            answer = await reader.task(node, **{command: value})
        except BadInputError as error:
            return Told(refused=(error.where, error.found, error.expected))
        return Told(answer.task, answer.status, answer.reason)


def _settled(answers: list[bytes]) -> bool:
    """Whether a node has answered: one process has its connection, the others refuse."""
    told = [msgspec.json.decode(answer, type=Told | None) for answer in answers]
    return any(one is not None and not one.refused for one in told)
