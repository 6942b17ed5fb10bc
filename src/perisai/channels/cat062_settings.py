"""Settings of the ASTERIX channel: system tracks (category 062) and service status (065) over UDP."""

from urllib.parse import urlsplit

import msgspec


class Cat062Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cat062"
):
    """url: `udp://host:port`, a host or a multicast group. interface: address of the network card that multicast leaves
    by; ttl: hops it may go. sac, sic: this centre's data source identifier. service: its service identification.

    period_s: a track goes out no more often. status_s: between status messages. tentative: whether tracks that are not
    confirmed go out (marked so in I062/080). datagram_bytes: most in one datagram.
    """

    url: str
    name: str = ""
    interface: str = ""
    ttl: int = 1
    sac: int = 0
    sic: int = 1
    service: int = 1
    period_s: float = 1.0
    status_s: float = 10.0
    tentative: bool = True
    datagram_bytes: int = 1400

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            good = parts.scheme == "udp" and bool(parts.hostname) and bool(parts.port)
        except ValueError:
            good = False
        if not good:
            raise ValueError(f"url: {self.url!r}; expected udp://host:port")
        for name in ("sac", "sic", "service", "ttl"):
            if not 0 <= getattr(self, name) <= 255:
                raise ValueError(f"{name}: {getattr(self, name)}; expected 0 to 255")
        if min(self.period_s, self.status_s) <= 0.0:
            raise ValueError("period_s, status_s: expected more than 0 seconds")
        if not 200 <= self.datagram_bytes <= 65_000:
            raise ValueError(f"datagram_bytes: {self.datagram_bytes}; expected 200 to 65000")
