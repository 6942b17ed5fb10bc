"""Settings of one CoT channel: where events go or are fetched from, in which form, and how tracks are named in them."""

from urllib.parse import urlsplit

import msgspec

SCHEMES = ("tcp", "tls", "udp", "tcp+listen", "tls+listen")


class CotSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cot"):
    """url: `tcp://host:port` or `tls://host:port` of a TAK server; `udp://host:port` of a partner or a multicast group;
    `tcp+listen://host:port` or `tls+listen://host:port` where TAK clients connect to Perisai (port 0: a free one).

    format: xml (every server takes it) or protobuf (TAK Protocol 1). certificate, key: PEM files of this end;
    authority: PEM file of the other end's authority (with tls+listen: clients must show a certificate of it).
    prefix: of uids. language: of texts. hostile, suspect: chance from which a threat's track bears that affiliation;
    unknown below. friends: addresses (ICAO 24-bit hex, Remote ID) shown as friends. stale_s: how long a partner may
    show a track that is not updated. period_s: a track goes out no more often. tolerance_m: of the drawn borders.
    tracks, alerts: what goes out. tentative: whether tracks that are not confirmed do. clients: at most, listening.
    """

    url: str
    name: str = ""
    format: str = "xml"
    certificate: str = ""
    key: str = ""
    authority: str = ""
    retry_s: float = 1.0
    max_retry_s: float = 60.0
    ttl: int = 1
    clients: int = 100
    tracks: bool = True
    alerts: bool = True
    tentative: bool = False
    prefix: str = "perisai"
    language: str = "en-US"
    hostile: float = 0.8
    suspect: float = 0.5
    friends: tuple[str, ...] = ()
    stale_s: float = 30.0
    period_s: float = 1.0
    tolerance_m: float = 300.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port is not None
            good = good and (parts.port != 0 or self.listens)
        except ValueError:
            good = False
        if not good:
            raise ValueError(
                f"url: {self.url!r}; expected {', '.join(f'{scheme}://' for scheme in SCHEMES)} and host:port"
            )
        if self.format not in ("xml", "protobuf"):
            raise ValueError(f"format: {self.format!r}; expected xml or protobuf")
        if self.scheme == "tls+listen" and not (self.certificate and self.key):
            raise ValueError("certificate, key: missing; expected the PEM files of this end for tls+listen")
        if min(self.retry_s, self.max_retry_s, self.stale_s, self.period_s) <= 0.0:
            raise ValueError("retry_s, max_retry_s, stale_s, period_s: expected more than 0 seconds")
        if not 0.0 <= self.suspect <= self.hostile <= 1.0:
            raise ValueError(f"suspect, hostile: {self.suspect}, {self.hostile}; expected 0 <= suspect <= hostile <= 1")
        if not 0 <= self.ttl <= 255 or self.clients < 1:
            raise ValueError("ttl, clients: expected 0 to 255 hops, and 1 client or more")

    @property
    def scheme(self) -> str:
        return self.url.split("://", maxsplit=1)[0]

    @property
    def listens(self) -> bool:
        return self.scheme.endswith("+listen")
