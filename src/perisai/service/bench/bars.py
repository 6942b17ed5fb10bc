"""The bars of the tracker: what each figure of `tracking.run` is held against, and whether it holds."""

from collections.abc import Callable
from typing import Any, NamedTuple

Figures = dict[str, Any]


class Bar(NamedTuple):
    """read: the figure (or figures) of a run; limit: the bar; least: whether it must be reached, else not passed."""

    name: str
    read: Callable[[Figures], Any]
    limit: float
    least: bool = False


def _inside(out: Figures) -> list[float]:
    """Shares of impacts inside the 90 % ellipse at each time to go."""
    return [part["inside_90"] for name, part in out["ballistic"].items() if name.endswith("_to_go")]


BARS = (
    Bar("spread, detections a second", lambda out: out["spread"]["n1000"]["detections_per_s"], 500_000, True),
    Bar("spread, times Stone Soup's", lambda out: out["spread"]["n1000_beside"]["speed_ratio"], 500, True),
    Bar("raid, detections a second", lambda out: out["raid"]["n1000"]["detections_per_s"], 200_000, True),
    Bar("raid of 10,000, p99 of a scan, ms", lambda out: out["raid_10000"]["scan_p99_ms"], 250),
    Bar("the same of processor time, ms", lambda out: out["raid_10000"]["scan_processor_p99_ms"], 250),
    Bar("spread, GOSPA to Stone Soup's", lambda out: out["spread"]["n100"]["gospa_ratio"], 0.75),
    Bar("spread of 1,000, the same", lambda out: out["spread"]["n1000_beside"]["gospa_ratio"], 0.75),
    Bar("raid, GOSPA to Stone Soup's", lambda out: out["raid"]["n100"]["gospa_ratio"], 0.80),
    Bar("raid of 1,000, the same", lambda out: out["raid"]["n1000_beside"]["gospa_ratio"], 0.80),
    Bar("raid, switches", lambda out: out["raid"]["n100"]["perisai"]["switches_per_target_min"], 1.0),
    Bar("raid of 1,000, switches", lambda out: out["raid"]["n1000"]["switches_per_target_min"], 1.0),
    Bar("raid of 1,000, missed", lambda out: out["raid"]["n1000"]["missed"], 10),
    Bar("mixed feed, p99, ms", lambda out: out["mixed_feed"]["frame_p99_ms"], 100),
    Bar("the same of processor time, ms", lambda out: out["mixed_feed"]["frame_processor_p99_ms"], 100),
    Bar("mixed feed, memory of hour 24 to hour 3", lambda out: out["mixed_day"]["growth_after_3h"], 1.05),
    Bar("spread, NEES of one inside", lambda out: out["spread"]["n1000"]["nees"]["single_in_95"], 0.95, True),
    Bar("spread, NEES of 50 inside", lambda out: out["spread"]["n1000"]["nees"]["means_in_95"], 0.95, True),
    Bar("spread, NEES of 50 too high", lambda out: out["spread"]["n1000"]["nees"]["means_above"], 0.025),
    Bar("spread, NIS of one inside", lambda out: out["nis_spread"]["single_in_95"], 0.95, True),
    Bar("spread, NIS of 50 inside", lambda out: out["nis_spread"]["means_in_95"], 0.95, True),
    Bar("spread, NIS of 50 too high", lambda out: out["nis_spread"]["means_above"], 0.025),
    Bar("raid, NEES of one inside", lambda out: out["raid"]["n1000"]["nees"]["single_in_95"], 0.95, True),
    Bar("raid, NEES of 50 inside", lambda out: out["raid"]["n1000"]["nees"]["means_in_95"], 0.95, True),
    Bar("simulated nights, NEES of one inside", lambda out: out["nees_nights"]["single_in_95"], 0.95, True),
    Bar("existence, calibration error", lambda out: out["calibration"]["existence_error"], 0.05),
    Bar("classes, largest calibration error", lambda out: max(out["calibration"]["class_errors"].values()), 0.05),
    Bar("least share inside the 90 % ellipse", lambda out: min(_inside(out)), 0.85, True),
    Bar("largest share inside the 90 % ellipse", lambda out: max(_inside(out)), 0.95),
)


def held(out: Figures) -> list[dict[str, Any]]:
    """Name, figure, bar and whether it holds; figures that a run left out (quick, no Stone Soup) are left out."""
    rows = []
    for bar in BARS:
        try:
            value = bar.read(out)
        except KeyError:
            continue
        holds = value >= bar.limit if bar.least else value <= bar.limit
        rows.append({"name": bar.name, "value": value, "bar": bar.limit, "least": bar.least, "holds": bool(holds)})
    return rows
