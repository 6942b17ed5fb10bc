"""The configuration file: what the centre watches, with which sensors, and how it alerts. Read once, at the start."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from perisai.alerting import AlertSettings, CapSettings
from perisai.channels.fan_out import FanOutSettings
from perisai.forecasting import ForecastSettings
from perisai.model import BadInputError, Mode, check_distinct
from perisai.recording import RecordingSettings
from perisai.tracking import TrackerRegion, TrackerSettings
from perisai.trust import TrustSettings

from . import package_data
from .bus_settings import BusSettings
from .channels.settings import ChannelSettings
from .files import read_text
from .identity import IdentitySettings
from .ingest.settings import LiveInput
from .keys import SigningSettings
from .partners.settings import PartnerSettings, resolve_paths


class ServiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[service]`. mode: actual, exercise or test, marked on every screen and in every message.

    host, port: where the console answers; data: directory of the recording and of the bus; nats: address of an external
    NATS cluster (several comma-separated), empty for the embedded one. tls_certificate, tls_key: PEM files of the
    console; needed wherever it answers beyond this machine. traces: address of an OpenTelemetry collector (OTLP over
    HTTP) for traces of detections on their way to alerts; needs the extra `traces`.
    """

    mode: Mode = "exercise"
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8460
    data: str = "perisai-data"
    nats: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    traces: str = ""


class RegionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[region]`. GeoJSON files, paths relative to the configuration file; empty means those that ship (Ukraine).

    layers: what partners give to be drawn on the console's map, a GeoJSON file each; a feature's `name` labels it.
    """

    name: str = "Ukraine"
    areas: str = ""
    outlines: str = ""
    basemap: str = ""
    languages: tuple[str, ...] = ("uk", "en", "id")
    layers: tuple[str, ...] = ()


class InputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[inputs]`. sensors: the sensors TOML, empty for the default network of the region.

    reports: the sensor on which reports over HTTP are booked whose device the sensors file does not have.
    reports_per_minute, detections_per_minute: bodies that one address may send. key_file: a file whose one line
    senders of detections over HTTP have to bring (`Authorization: Bearer ...`); without it only this machine may
    send. device_keys: a file with a line `DEVICE PUBLIC-KEY` each (Ed25519, base64): reports over HTTP of these
    devices, and then of every sensor of the sensors file, count only with the device's signature. most_per_s:
    detections a second that the house follows; above it they are given up, transponders first, radar plots last; 0
    for no limit.
    """

    sensors: str = ""
    key_file: str = ""
    reports: str = "citizens"
    reports_per_minute: int = 600
    detections_per_minute: int = 6_000
    device_keys: str = ""
    most_per_s: int = 0


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of perisai.toml."""

    service: ServiceSettings = ServiceSettings()
    region: RegionSettings = RegionSettings()
    inputs: InputSettings = InputSettings()
    input: tuple[LiveInput, ...] = ()
    bus: BusSettings = BusSettings()
    identity: IdentitySettings = IdentitySettings()
    recording: RecordingSettings = RecordingSettings()
    trust: TrustSettings = TrustSettings()
    tracking: TrackerSettings = msgspec.field(default_factory=TrackerSettings)
    tracker_region: tuple[TrackerRegion, ...] = ()
    forecasting: ForecastSettings = msgspec.field(default_factory=ForecastSettings)
    alerting: AlertSettings = msgspec.field(default_factory=AlertSettings)
    cap: CapSettings = msgspec.field(default_factory=CapSettings)
    signing: SigningSettings = SigningSettings()
    channel: tuple[ChannelSettings, ...] = ()
    fan_out: FanOutSettings = FanOutSettings()
    partner: tuple[PartnerSettings, ...] = ()

    def __post_init__(self) -> None:
        check_distinct("tracker_region", "id", (one.id for one in self.tracker_region))
        check_distinct("partner", "id", (one.id for one in self.partner))
        check_distinct("input", "name", (one.name for one in self.input))


def load_config(path: Path | str) -> Config:
    """Read and check a configuration file.

    Raises BadInputError naming the file, the line and what was expected there.
    """
    text = read_text(path, "a configuration file (perisai init writes one)")
    return parse_config(text, Path(path))


def parse_config(text: str, path: Path) -> Config:
    """The configuration in a text; `path` is named in messages and is what relative paths start from."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(str(path), f"not TOML ({error})", "the form that `perisai init` writes") from error
    try:
        config = msgspec.convert(document, Config)
    except BadInputError as error:
        where = f"{path}: line {_line(text, error.where.split('.'))}: {error.where}"
        raise BadInputError(where, error.found, error.expected) from error
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        keys = re.findall(r"\w+", place)
        unknown = re.search(r"unknown field `(\w+)`|^(\w+): ", message)
        keys += [unknown.group(1) or unknown.group(2)] if unknown else []
        where = f"{path}: line {_line(text, keys)}: {'.'.join(keys) or 'settings'}"
        found, _, expected = message.partition("; expected ")
        raise BadInputError(where, found, expected or "the form that `perisai init` writes") from error
    region = config.region
    return msgspec.structs.replace(
        config,
        region=msgspec.structs.replace(
            region,
            areas=_resolve(path, region.areas, package_data.COMMUNITIES),
            outlines=_resolve(path, region.outlines, package_data.OBLASTS),
            basemap=_resolve(path, region.basemap, package_data.BASEMAP),
            layers=tuple(_resolve(path, layer, None) for layer in region.layers),
        ),
        inputs=_resolve_files(
            path, msgspec.structs.replace(config.inputs, sensors=_resolve(path, config.inputs.sensors, None))
        ),
        service=_resolve_files(
            path, msgspec.structs.replace(config.service, data=_resolve(path, config.service.data, None))
        ),
        bus=_resolve_files(path, config.bus),
        identity=msgspec.structs.replace(
            config.identity, oidc=config.identity.oidc and _resolve_files(path, config.identity.oidc)
        ),
        signing=_resolve_files(path, config.signing),
        partner=tuple(resolve_paths(path.parent, one) for one in config.partner),
        channel=tuple(_resolve_files(path, one) for one in config.channel),
        input=tuple(_resolve_files(path, one) for one in config.input),
    )


FILES = ("device_keys", "key", "certificate", "authority", "password_file", "key_file")
FILES += ("nkey", "tls_ca", "tls_certificate", "tls_key", "client_secret_file")


def _resolve_files(path: Path, settings: Any) -> Any:
    """Settings whose PEM files are named from the configuration file on."""
    files = {name: getattr(settings, name, "") for name in FILES}
    return msgspec.structs.replace(settings, **{name: str(path.parent / file) for name, file in files.items() if file})


def _resolve(path: Path, given: str, default: Path | None) -> str:
    return str(path.parent / given) if given else str(default or "")


def _line(text: str, keys: list[str]) -> int:
    """The line of a key: the last that opens the table or names the key, going down the path.

    A number in the path picks the table of a list, `[[channel]]`: so many further on, counted from 0.
    """
    number = 1
    lines = text.splitlines()
    opened = ""
    for key in keys:
        if key.isdigit():
            tables = [n for n, line in enumerate(lines, 1) if re.match(rf"\s*\[\[\s*{opened}\s*\]\]", line)]
            number = tables[int(key)] if int(key) < len(tables) else number
            continue
        opened = key
        for index in range(number - 1, len(lines)):
            if re.match(rf"\s*(\[\[?\s*([\w.]+\.)?{key}\s*\]?\]|{key}\s*=)", lines[index]):
                number = index + 1
                break
    return number


def config_document(config: Config) -> dict[str, Any]:
    """The configuration as plain values, for the recording."""
    return msgspec.to_builtins(config)
