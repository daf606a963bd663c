"""What a worker's child says to its parent: JSON of a bounded length, never code.

The child reads what strangers send, and may be theirs by now. What the parent says to the child is a pickled call: the
child has no rights that the parent lacks.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from pytomo_scrapy.items.codec import CodecError, from_plain, to_plain

HEADER = struct.Struct("!Q")  # length of the message that follows
# A window of an hour over every stream, with its traces, stays below a tenth of it.
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
KINDS = frozenset(("ready", "begun", "progress", "result", "failed"))


class BrokenMessage(Exception):
    """Raised if a message is none that a child of ours would send."""


def pack(kind: str, value: object = None) -> bytes:
    """Return a message. Raises CodecError for a value that has no plain form."""
    return json.dumps([kind, to_plain(value)], separators=(",", ":")).encode()


def unpack(message: bytes) -> tuple[str, Any]:
    """Return what a message says: its kind, and a value of plain types. Raises BrokenMessage."""
    try:
        kind, value = json.loads(message)
    except (ValueError, TypeError, RecursionError) as error:
        raise BrokenMessage(type(error).__name__) from None
    if not isinstance(kind, str) or kind not in KINDS:
        raise BrokenMessage("of no known kind")
    return kind, value


def length_of(header: bytes) -> int:
    """Return how long the message behind `header` is. Raises BrokenMessage where no message is so long."""
    length: int = HEADER.unpack(header)[0]
    if length > MAX_MESSAGE_BYTES:
        raise BrokenMessage(f"{length} bytes long")
    return length


def read_as(kind: Any, value: Any) -> Any:
    """Return `value` as the type `kind`. Raises BrokenMessage where it is not."""
    try:
        return from_plain(kind, value)[0]
    except (CodecError, RecursionError) as error:
        raise BrokenMessage(str(error)) from None


def result_type(function: Callable[..., object]) -> Any:
    """Return what `function` says that it returns. Any where it says nothing."""
    return get_type_hints(function).get("return", Any)


def progress_type(function: Callable[..., object]) -> Any:
    """Return what `function` says that its `progress` is called with. Any where it says nothing."""
    hint = get_type_hints(function).get("progress", Any)
    for kind in (hint, *get_args(hint)):
        arguments = get_args(kind)
        if arguments and isinstance(arguments[0], list):
            return arguments[0][0]
    return Any
