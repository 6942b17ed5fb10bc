"""What the channels read of a CAP message, and what each channel counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from perisai.model import Mode, Threat


class MessageText(Protocol):
    """The texts of one message in one language (tag as in RFC 3066)."""

    @property
    def language(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def headline(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def instruction(self) -> str: ...


class Message(Protocol):
    """A CAP message as `alerting` writes it. Times in us since 1970-01-01 UTC. level: watch, alarm or clear."""

    @property
    def identifier(self) -> str: ...
    @property
    def incident(self) -> str: ...
    @property
    def alert(self) -> str: ...
    @property
    def area(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def threat(self) -> Threat: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def msg_type(self) -> str: ...
    @property
    def sent_us(self) -> int: ...
    @property
    def expires_us(self) -> int: ...
    @property
    def arrival_us(self) -> int | None: ...
    @property
    def texts(self) -> Sequence[MessageText]: ...
    @property
    def xml(self) -> bytes: ...


def text_for(message: Message, language: str) -> MessageText:
    """The message's text in the language, else of the same primary tag, else the first there is."""
    primary = language.split("-", maxsplit=1)[0]
    texts = message.texts
    exact = [text for text in texts if text.language == language]
    near = [text for text in texts if text.language.split("-", maxsplit=1)[0] == primary]
    return (exact or near or list(texts))[0]


@dataclass(slots=True)
class ChannelCount:
    """What went out: messages and bytes, what failed by reason, and when the last one went (us, 0 for never)."""

    messages: int = 0
    bytes: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    last_us: int = 0

    def sent(self, size: int, now_us: int, messages: int = 1) -> None:
        self.messages += messages
        self.bytes += size
        self.last_us = now_us
