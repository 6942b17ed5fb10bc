"""SAPIENT, BSI Flex 335 v2.0: networks of autonomous sensors that report to a fusion node, which Perisai is."""

from .framing import MAX_FRAME_BYTES, Framer, frame
from .fusion import FusionNode, Reply, TaskAnswer
from .importer import import_sapient, import_sapient_json, looks_like_sapient

__all__ = [
    "MAX_FRAME_BYTES",
    "Framer",
    "FusionNode",
    "Reply",
    "TaskAnswer",
    "frame",
    "import_sapient",
    "import_sapient_json",
    "looks_like_sapient",
]
