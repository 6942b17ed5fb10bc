"""Remote ID, what drones tell of themselves: ASTM F3411-22a and ASD-STAN EN 4709-002, broadcast."""

from .importer import import_remote_id, import_remote_id_lines, looks_like_line, looks_like_remote_id
from .messages import BasicId, Location, decode, unpack
from .stream import RemoteIdStream

__all__ = [
    "BasicId",
    "Location",
    "RemoteIdStream",
    "decode",
    "import_remote_id",
    "import_remote_id_lines",
    "looks_like_line",
    "looks_like_remote_id",
    "unpack",
]
