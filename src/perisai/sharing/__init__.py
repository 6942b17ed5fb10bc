"""What of our tracks a partner nation may see, and the form in which tracks of partners are read."""

from .message import MAX_TRACKS, Received, heard_us, receive, send
from .numbers import partner_number
from .policy import Scope, SharePolicy, make_scope
from .share import Sharer, share

__all__ = [
    "MAX_TRACKS",
    "Received",
    "Scope",
    "SharePolicy",
    "Sharer",
    "heard_us",
    "make_scope",
    "partner_number",
    "receive",
    "send",
    "share",
]
