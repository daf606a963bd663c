"""What a media host answers, decided before a byte is sent. No sockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

_NOTHING = memoryview(b"")


class Ending(Enum):
    """What happens to the connection after the body bytes of an answer."""

    NORMAL = "it is kept or closed as the request says"
    CLOSE = "it is closed cleanly, TLS included"
    RESET = "it is reset, once everything sent has been acknowledged"
    HANG = "it stays open and silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: its head, its body and how it ends."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: memoryview = _NOTHING
    # What Content-Length says; None: the body's own length.
    declared_bytes: int | None = None
    first_byte: int = 0  # of the file
    ending: Ending = Ending.NORMAL
    delay_s: float = 0.0
    has_endless_header: bool = False

    @property
    def length_bytes(self) -> int:
        """Return the length that the head declares."""
        return len(self.body) if self.declared_bytes is None else self.declared_bytes


def plain_answer(status: int, text: str = "", headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """Return an answer that carries a line of text."""
    return Answer(status, [("Content-Type", "text/plain"), *headers], memoryview(f"{text}\n".encode()))
