"""From `[[channel]]` settings to channels ready to run."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from perisai.channels.alert_api import AlertApiSettings
from perisai.channels.cap_feed import FeedSettings
from perisai.channels.cat062_settings import Cat062Settings
from perisai.channels.cot_settings import CotSettings
from perisai.channels.fan_out import FanOutSettings
from perisai.channels.mqtt_messages import MqttSettings
from perisai.channels.web_push import Vapid, WebPushSettings
from perisai.channels.webhook import Webhook
from perisai.model import Areas, BadInputError, Mode

from ..keys import vapid_key
from ..mqtt_broker import MqttBroker
from ..picture import Picture
from .clock import ChannelClock
from .http_outlets import AlertApiOutlet, FeedOutlet
from .live_outlets import AsterixOutlet, CotOutlet, MqttOutlet
from .outlet import Outlet
from .post_outlets import WebhookOutlet, WebPushOutlet
from .settings import ChannelSettings
from .store import ChannelStore

ALWAYS = (FeedSettings, AlertApiSettings, WebPushSettings)
"""Served over HTTP whether or not the configuration speaks of them: they do nothing until somebody asks."""


def set_up(
    settings: Sequence[ChannelSettings],
    fan_out: FanOutSettings,
    *,
    areas: Areas,
    mode: Mode,
    picture: Picture,
    data: Path,
    store: ChannelStore,
    played: bool,
) -> list[Outlet]:
    """The channels. played: whether the picture is played and not of now. Raises BadInputError naming the channel."""
    clock = ChannelClock(lambda: picture.now_us, played)
    given = [*settings, *(kind() for kind in ALWAYS if not any(isinstance(one, kind) for one in settings))]
    for kind in ALWAYS:
        if sum(isinstance(one, kind) for one in given) > 1:
            name = kind.__struct_config__.tag
            raise BadInputError(f"channel: {name}", "more than one", f"one {name} at most; there is one HTTP server")
    names: Counter[str] = Counter()
    outlets: list[Outlet] = []
    hooks = [one for one in given if isinstance(one, Webhook)]
    if hooks:
        outlets.append(WebhookOutlet(hooks, store, clock, fan_out))
    for one in given:
        kind = str(one.__struct_config__.tag)
        names[kind] += 1
        name = one.name or (kind if names[kind] == 1 else f"{kind}-{names[kind]}")
        _check_areas(name, getattr(one, "areas", ()), areas)
        match one:
            case FeedSettings():
                outlets.append(FeedOutlet(name, one, clock))
            case AlertApiSettings():
                outlets.append(AlertApiOutlet(name, one, areas, mode, picture))
            case WebPushSettings():
                vapid = Vapid(vapid_key(one.key, data), one.subject)
                outlets.append(WebPushOutlet(name, one, vapid, store, clock, fan_out))
            case MqttSettings():
                broker = MqttBroker(data / name, one.host, one.port) if one.embedded else None
                outlets.append(MqttOutlet(name, one, areas, clock, broker))
            case CotSettings():
                outlets.append(CotOutlet(name, one, areas, mode, clock))
            case Cat062Settings():
                outlets.append(AsterixOutlet(name, one, mode, clock, picture.lag_s))
            case Webhook():
                pass
    taken = Counter(outlet.name for outlet in outlets)
    for name, times in taken.items():
        if times > 1:
            raise BadInputError("channel: name", f"{name!r} twice", "names that differ")
    return outlets


def _check_areas(name: str, wanted: Sequence[str], areas: Areas) -> None:
    known = frozenset(areas.code)
    for code in wanted:
        if code not in known:
            raise BadInputError(f"channel: {name}: areas", f"{code!r}", "codes of the areas file")
