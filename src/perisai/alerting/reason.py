"""Why an alert is on, and why it ended: one calm and exact sentence for operators and the record."""

from datetime import UTC, datetime

NOUNS = {
    "drone": ("A drone", "drones"),
    "cruise": ("A cruise missile", "cruise missiles"),
    "ballistic": ("A ballistic missile", "ballistic missiles"),
    "glide_bomb": ("A glide bomb", "glide bombs"),
    "aircraft": ("An aircraft that is not identified as civil", "aircraft that are not identified as civil"),
    "other": ("An unknown object", "unknown objects"),
}
PASSED = "the danger has passed"
SILENT = "the tracks that caused it were not seen again"
RAISED = "an alarm takes its place"
TIME_UP = "the time set by the operator is over"
RELEASED = "released by an operator"
UNANSWERED = "released by itself, as no operator answered in time"


def raised(level: str, threat: str, count: int, eta_s: float, probability: float) -> str:
    """Such as: A drone may reach this area in about 5 min (probability 64 %)."""
    one, many = NOUNS[threat]
    subject, verb = (one, "is") if count <= 1 else (f"{count} {many}", "are")
    chance = f"probability {round(100 * probability)} %" if probability >= 0.01 else "probability under 1 %"
    if eta_s <= 0.0:
        return f"{subject} {verb} within the danger distance of this area ({chance})."
    verb = "will probably" if probability >= 0.5 else "may"
    when = f"{round(eta_s)} s" if eta_s < 90 else f"{round(eta_s / 60)} min"
    return f"{subject} {verb} reach this area in about {when} ({chance})."


def ended(start_reason: str, why: str) -> str:
    """The reason of the start and of the all-clear in one sentence."""
    return f"{start_reason.rstrip('.')}; {why}."


def by_hand(level: str, said: str) -> str:
    """Of an alert that an operator raised."""
    return f"An operator raised this {level}: {said.strip().rstrip('.')}."


def by_order(said: str) -> str:
    """Why an alert ended that an operator cancelled."""
    return f"cancelled by an operator: {said.strip().rstrip('.')}"


def identifier(prefix: str, area: str, level: str, start_us: int) -> str:
    """Of a span; every character is one that CAP 1.2 allows."""
    when = datetime.fromtimestamp(start_us / 1e6, UTC).strftime("%Y%m%dT%H%M%SZ")
    code = "".join(c if c.isalnum() or c in "-_." else "_" for c in area)
    return f"{prefix}.{code}.{level}.{when}"
