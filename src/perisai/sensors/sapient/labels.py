"""Classes as nodes name them to the labels of detections."""

from typing import Any

GROUND = ("human", "person", "land", "ground", "vehicle", "sea", "water", "vessel", "ship", "animal", "bird")
"""A most likely class that names one of these, and nothing of the air, is none of the air picture."""

_AIR = (
    ("cruise", "cruise"),
    ("ballistic", "ballistic"),
    ("glide", "glide_bomb"),
    ("uav", "drone"),
    ("uas", "drone"),
    ("drone", "drone"),
    ("unmanned", "drone"),
    ("quadcopter", "drone"),
    ("multirotor", "drone"),
    ("loitering", "drone"),
    ("shahed", "drone"),
    ("missile", "cruise"),
    ("rocket", "ballistic"),
    ("aircraft", "aircraft"),
    ("aeroplane", "aircraft"),
    ("airplane", "aircraft"),
    ("helicopter", "aircraft"),
    ("manned", "aircraft"),
)


def label_of(text: str) -> str | None:
    """The label that a class names, the first that applies; None when it names none of them."""
    lowered = text.lower()
    return next((label for word, label in _AIR if word in lowered), None)


def label(classification: Any) -> tuple[str | None, float | None, bool]:
    """Label of the most likely class of a report, its confidence, and whether it is of the air.

    classification: the repeated field of the report; a subclass, the deepest first, says more than its class.
    """
    if not classification:
        return None, None, True
    best = max(classification, key=lambda one: one.confidence if one.HasField("confidence") else 0.0)
    names = [best.type]
    level: Any = best.sub_class
    for _ in range(8):
        if not level:
            break
        finer = max(level, key=lambda one: one.confidence if one.HasField("confidence") else 0.0)
        names.append(finer.type)
        level = finer.sub_class
    confidence = best.confidence if best.HasField("confidence") else None
    found = next((one for name in reversed(names) if (one := label_of(name)) is not None), None)
    lowered = " ".join(names).lower()
    airborne = found is not None or "air" in lowered or not any(word in lowered for word in GROUND)
    return found, confidence, airborne
