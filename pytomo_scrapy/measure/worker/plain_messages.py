"""What a worker's child and its parent say to each other: JSON of a bounded length, never code.

The child reads what strangers send, and may be theirs by now.
"""

from __future__ import annotations

import inspect
import json
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_args, get_type_hints

from pytomo_scrapy.items.codec import CodecError, from_plain, to_plain

HEADER = struct.Struct("!Q")  # length of the message that follows
# A window of an hour over every stream, with its traces, stays below a tenth of it.
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
KINDS = frozenset(("ready", "begun", "progress", "result", "failed"))


class BrokenMessage(Exception):
    """Raised if a message is none that the other side would send."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a child is to run. `function` is its module and its name there, between them a colon."""

    function: str
    args: Sequence[Any]
    wants_progress: bool


def pack_call(function: Callable[..., object], args: Sequence[object], *, wants_progress: bool) -> bytes:
    """Return the message of a call.

    Raises CodecError for a function that another process cannot find, an argument that has no plain form, and a message
    that is too long.
    """
    call = Call(f"{function.__module__}:{function.__qualname__}", args, wants_progress)
    if _named(call.function) is not function:
        raise CodecError(f"{call.function} is not to be found by its name")
    message = json.dumps(to_plain(call), separators=(",", ":")).encode()
    if len(message) > MAX_MESSAGE_BYTES:
        raise CodecError(f"the call is {len(message)} bytes long")
    return message


def unpack_call(message: bytes) -> tuple[Callable[..., Any], tuple[Any, ...], bool]:
    """Return the function of a call, its arguments as the types that it asks for, and whether it is to tell progress.

    Raises BrokenMessage.
    """
    try:
        call = read_as(Call, json.loads(message))
        function = _named(call.function)
    except (ValueError, ImportError, RecursionError) as error:
        raise BrokenMessage(str(error)) from None
    if not callable(function):
        raise BrokenMessage(f"{call.function} is no function")
    types = _argument_types(function)
    if types is None:
        return function, tuple(call.args), call.wants_progress
    if len(call.args) > len(types):
        raise BrokenMessage(f"{call.function} takes {len(types)} arguments")
    args = tuple(read_as(kind, value) for kind, value in zip(types, call.args, strict=False))
    return function, args, call.wants_progress


def _named(function: str) -> Any:
    module, _, name = function.partition(":")
    found: Any = sys.modules.get(module) or import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


@cache
def _hints_of(function: Callable[..., object]) -> Mapping[str, Any]:
    # Their texts are evaluated, which takes longer than to read most answers.
    return get_type_hints(function)


def _argument_types(function: Callable[..., object]) -> tuple[Any, ...] | None:
    """Return the types of the arguments by place. None where nothing says, as of the C functions of Python."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return None
    hints = _hints_of(function)
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(hints.get(parameter.name, Any) for parameter in parameters if parameter.kind in places)


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
    return _hints_of(function).get("return", Any)


def progress_type(function: Callable[..., object]) -> Any:
    """Return what `function` says that its `progress` is called with. Any where it says nothing."""
    hint = _hints_of(function).get("progress", Any)
    for kind in (hint, *get_args(hint)):
        arguments = get_args(kind)
        if arguments and isinstance(arguments[0], list):
            return arguments[0][0]
    return Any
