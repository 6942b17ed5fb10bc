"""`[[channel]]` of the configuration: one table a channel, told apart by its `kind`."""

import socket

from perisai.channels.alert_api import AlertApiSettings
from perisai.channels.cap_feed import FeedSettings
from perisai.channels.cat062_settings import Cat062Settings
from perisai.channels.cot_settings import CotSettings
from perisai.channels.mqtt_messages import MqttSettings
from perisai.channels.web_push import WebPushSettings
from perisai.channels.webhook import Webhook

ChannelSettings = (
    AlertApiSettings | Cat062Settings | CotSettings | FeedSettings | MqttSettings | WebPushSettings | Webhook
)


def demo_channels(any_port: bool) -> tuple[ChannelSettings, ...]:
    """What the demo opens: loopback only, and an MQTT broker of its own.

    any_port: whether what listens takes a free port in place of its usual one; it does, too, where that is in use.
    """
    return (
        FeedSettings(),
        AlertApiSettings(),
        WebPushSettings(private_endpoints=True),
        MqttSettings(port=0 if any_port else _free_or_any(1883), embedded=True, sirens_in_exercise=True),
        CotSettings(url=f"tcp+listen://127.0.0.1:{0 if any_port else _free_or_any(8087)}"),
        CotSettings(url="udp://127.0.0.1:6969", name="cot-udp"),
        Cat062Settings(url="udp://127.0.0.1:8662"),
    )


def _free_or_any(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
