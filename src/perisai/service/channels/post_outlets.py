"""Channels that post each message once to each who asked for it: webhooks and Web Push."""

import asyncio
from collections.abc import Callable

import pyarrow as pa

from perisai.alerting import CapMessage
from perisai.channels.fan_out import FanOut, FanOutSettings, Outcome
from perisai.channels.http_post import HttpPost
from perisai.channels.message import ChannelCount
from perisai.channels.web_push import Vapid, WebPush, WebPushSettings
from perisai.channels.webhook import Webhook, WebhookSender
from perisai.model import BadInputError

from .clock import ChannelClock, wall_us
from .delivery import Delivery
from .store import ChannelStore
from .subscribers import Subscribers


class _PostOutlet:
    """What both have in common: a fan-out, a book of deliveries, and counts."""

    kind = ""
    connected: bool | None = None

    def __init__(
        self,
        name: str,
        address: str,
        store: ChannelStore,
        clock: ChannelClock,
        fan_out: FanOutSettings,
        *,
        private: bool,
        latest: bool,
    ) -> None:
        self.name, self.address, self.count = name, address, ChannelCount()
        self._clock = clock
        self._fan_out = FanOut(HttpPost(private=private, timeout_s=fan_out.timeout_s), fan_out)
        self.count.failures = self._fan_out.failures
        self._delivery = Delivery(name, store, self._send, clock.now_us, latest=latest)

    def take_message(self, message: CapMessage, sequence: int) -> None:
        self._delivery.take(message, sequence)

    def take_tracks(self, rows: pa.Table) -> None:
        pass

    async def run(self) -> None:
        try:
            await self._delivery.run()
        finally:
            await self._fan_out.close()

    def _send(
        self, message: CapMessage, done: frozenset[str], tell: Callable[[Outcome], None]
    ) -> "asyncio.Future[list[Outcome]]":
        raise NotImplementedError

    def _counted(self, tell: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
        def told(outcome: Outcome) -> None:
            if outcome.result == "delivered":
                self.count.sent(outcome.size, wall_us())
            tell(outcome)

        return told


class WebhookOutlet(_PostOutlet):
    """All webhooks of the configuration. They are the operator's own choice, so private networks are allowed."""

    kind = "webhook"

    def __init__(self, hooks: list[Webhook], store: ChannelStore, clock: ChannelClock, fan_out: FanOutSettings) -> None:
        """Raises BadInputError when two have the same address."""
        urls = [hook.url for hook in hooks]
        for url in urls:
            if urls.count(url) > 1:
                raise BadInputError("channel: webhook: url", f"{url!r} twice", "addresses that differ")
        super().__init__("webhook", f"{len(hooks)} webhooks", store, clock, fan_out, private=True, latest=False)
        self._sender = WebhookSender(self._fan_out, hooks, wall_us)

    def _send(
        self, message: CapMessage, done: frozenset[str], tell: Callable[[Outcome], None]
    ) -> "asyncio.Future[list[Outcome]]":
        return self._sender.send(message, self._clock.now_us(), done, self._counted(tell))


class WebPushOutlet(_PostOutlet):
    """Browsers that asked for their area. One that is gone is forgotten."""

    kind = "web_push"

    def __init__(
        self,
        name: str,
        settings: WebPushSettings,
        vapid: Vapid,
        store: ChannelStore,
        clock: ChannelClock,
        fan_out: FanOutSettings,
    ) -> None:
        private = settings.private_endpoints
        super().__init__(name, "push services", store, clock, fan_out, private=private, latest=True)
        self.settings, self.public_key = settings, vapid.public_key
        self.subscribers = Subscribers(store, settings.most, vapid.public_key, self.count.failures)
        self._push = WebPush(self._fan_out, vapid)
        self._forgetting: set[asyncio.Task[None]] = set()

    def _send(
        self, message: CapMessage, done: frozenset[str], tell: Callable[[Outcome], None]
    ) -> "asyncio.Future[list[Outcome]]":
        to = [one for one in self.subscribers.of(message.area) if one.endpoint not in done]
        sending = self._push.send(message, to, self._clock.now_us(), self._counted(tell))
        sending.add_done_callback(self._forget)
        return sending

    def _forget(self, sending: "asyncio.Future[list[Outcome]]") -> None:
        if sending.cancelled():
            return
        gone = [outcome.key for outcome in sending.result() if outcome.result == "gone"]
        if gone:
            task = asyncio.get_running_loop().create_task(self.subscribers.remove(*gone))
            self._forgetting.add(task)
            task.add_done_callback(self._forgetting.discard)
