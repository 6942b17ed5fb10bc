"""Question and answer between processes (core NATS): nothing keeps them, and where nobody can answer nobody does."""

import asyncio
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg

NOBODY = "503"
"""The server's own answer, at once, when nobody listens."""


async def answer(client: Client, subject: str, how: Callable[[str, bytes], Awaitable[bytes]]) -> None:
    """Answer questions until cancelled, several at a time. how: from the subject and the question."""
    working: set[asyncio.Task[None]] = set()

    async def one(message: Msg) -> None:
        await message.respond(await how(message.subject, message.data))

    async def take(message: Msg) -> None:
        task = asyncio.create_task(one(message))
        working.add(task)
        task.add_done_callback(working.discard)

    subscription = await client.subscribe(subject, cb=take)
    try:
        await asyncio.Event().wait()
    finally:
        for task in working:
            task.cancel()
        if not client.is_closed:
            await subscription.unsubscribe()


async def ask(
    client: Client, subject: str, question: bytes, within_s: float, enough: Callable[[list[bytes]], bool]
) -> list[bytes]:
    """The answers of all who answer within a time, or until they are enough; empty at once when nobody listens."""
    arrived: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=arrived.put)
    answers: list[bytes] = []
    try:
        await client.publish(subject, question, reply=inbox)
        async with asyncio.timeout(within_s):
            while not enough(answers):
                message = await arrived.get()
                if message.headers and message.headers.get("Status") == NOBODY:
                    break
                answers.append(message.data)
    except TimeoutError:
        pass
    finally:
        if not client.is_closed:
            await subscription.unsubscribe()
    return answers
