"""What a region may set about trust."""

import msgspec

from perisai.model import BadInputError


class TrustSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[trust]`. enabled: whether anything is held back; what is found is told in any case.

    patience_s: how long an instrument may take to notice what people report. hold_s: how long reports wait where one
    instrument alone has noticed nothing. refuted: so many more instruments silent than speaking hold them back for
    good. jam_factor, jam_plots: plots in a scan that nothing explains, against the radar's usual and at least, that
    count as jamming when they come in jam_scans scans in a row. ghosts: tracks of one radar alone, where two others
    should see them, that make it suspect; alone_s: after so long. calm_s: without a sign of it a suspicion ends.
    """

    enabled: bool = True
    patience_s: float = 20.0
    hold_s: float = 60.0
    refuted: int = 2
    jam_factor: float = 5.0
    jam_plots: int = 20
    jam_scans: int = 5
    ghosts: int = 3
    alone_s: float = 60.0
    calm_s: float = 300.0

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        for name in ("patience_s", "hold_s", "refuted", "jam_factor", "jam_plots", "jam_scans", "ghosts", "calm_s"):
            if not getattr(self, name) > 0:
                raise BadInputError(f"trust.{name}", str(getattr(self, name)), "a number above 0")
