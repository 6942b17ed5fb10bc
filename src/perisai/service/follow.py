"""Reading a stream in order, whatever happens to the server: a consumer that is made anew behind the last message seen.

The server keeps nothing about a reader. A reader asks for a batch, hears a heartbeat while it waits, and starts over
behind the last sequence it has given out when the heartbeats stop, a message is missing or the server has forgotten it.
"""

import asyncio
import json
from collections.abc import AsyncIterator

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

BATCH = 64
HEARTBEAT_S = 1.0
SILENCE_S = 2.5
"""Without a heartbeat for so long the consumer is taken for lost."""
EXPIRES_S = 20.0
FORGET_S = 30.0
AGAIN_S = 0.2
REQUEST_S = 2.0
"""Until a consumer is there: who asks while a stream elects its leader gets no answer, and asks again."""
log = structlog.get_logger("bus")


async def follow(client: Client, stream: str, after: int, subject: str) -> AsyncIterator[tuple[int, Msg]]:
    """(sequence, message) of every message of a stream above `after`, then those to come, until cancelled.

    subject: only those of this subject; `>` for all.
    """
    while True:
        async for sequence, message in _until_lost(client, stream, after, subject):
            after = sequence
            yield sequence, message
        await asyncio.sleep(AGAIN_S)


async def _until_lost(client: Client, stream: str, after: int, subject: str) -> AsyncIterator[tuple[int, Msg]]:
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1, filter_subject=subject,
        ack_policy=AckPolicy.NONE, mem_storage=True, num_replicas=1, inactive_threshold=FORGET_S,
    )  # fmt: skip
    try:
        info = await client.jetstream(timeout=REQUEST_S).add_consumer(stream, config)
        inbox, arrived = client.new_inbox(), asyncio.Queue[Msg]()
        subscription = await client.subscribe(inbox, cb=arrived.put)
    except (nats.errors.Error, TimeoutError) as error:
        log.warning("cannot read yet", stream=stream, reason=str(error) or type(error).__name__)
        return
    asking = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{info.name}"
    request = {"batch": BATCH, "expires": int(EXPIRES_S * 1e9), "idle_heartbeat": int(HEARTBEAT_S * 1e9)}
    wanted, delivered = 0, 0
    try:
        while True:
            if wanted == 0:
                await client.publish(asking, json.dumps(request).encode(), inbox)
                wanted = BATCH
            async with asyncio.timeout(SILENCE_S):
                message = await arrived.get()
            status = (message.headers or {}).get("Status")
            if status == "100":
                continue
            if status in ("404", "408"):
                wanted = 0
                continue
            if status is not None:
                return
            place = message.metadata.sequence
            if place.consumer != delivered + 1:
                return  # one is missing
            wanted, delivered = wanted - 1, delivered + 1
            yield place.stream, message
    except (nats.errors.Error, TimeoutError):
        return
    finally:
        if not client.is_closed:
            await subscription.unsubscribe()
