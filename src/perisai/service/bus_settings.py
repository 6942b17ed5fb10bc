"""How the service reaches its bus."""

import ssl

import msgspec

from perisai.model import BadInputError

PICTURE = ("TRACKS", "REGIONS", "FORECASTS")


class BusSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[bus]`. replicas: copies of every message in a cluster (3 survives the loss of one server).

    nkey: file with the nkey seed of this process. tls_ca, tls_certificate, tls_key: PEM files; with a certificate both
    sides know each other. sync_always: the embedded server acknowledges only what survives a loss of power.
    raw_mb, picture_mb: the most that the detections, and that each stream of tracks or forecasts, may take on the bus,
    the oldest gone first (the recording has them); 0: as much as comes in two days. Alerts and orders have no limit.
    """

    replicas: int = 1
    nkey: str = ""
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    sync_always: bool = False
    raw_mb: int = 0
    picture_mb: int = 0

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        if self.replicas not in (1, 3, 5):
            raise BadInputError("bus.replicas", str(self.replicas), "1, 3 or 5")
        for name in ("raw_mb", "picture_mb"):
            if getattr(self, name) < 0:
                raise BadInputError(f"bus.{name}", str(getattr(self, name)), "0 or more")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise BadInputError("bus.tls_certificate, bus.tls_key", "one without the other", "both or neither")

    def max_bytes(self, stream: str) -> int:
        """The most bytes a stream may take, -1 without a limit."""
        limit_mb = self.raw_mb if stream == "INPUT" else self.picture_mb if stream in PICTURE else 0
        return limit_mb << 20 or -1

    def tls(self) -> ssl.SSLContext | None:
        """The TLS of the connection, None without. Raises BadInputError when a file cannot be read."""
        if not self.tls_ca:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls_ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.tls_certificate:
                context.load_cert_chain(self.tls_certificate, self.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise BadInputError("bus.tls_ca, tls_certificate, tls_key", str(error), "PEM files") from error
        return context
