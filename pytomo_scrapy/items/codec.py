"""Result classes as plain JSON values and back: readable across versions whose classes have other fields."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Result = TypeVar("Result")

_PLAIN = (bool, int, float, str)
_SCALARS = frozenset((*_PLAIN, types.NoneType))
# The types of a scalar's value in JSON: a field of seconds that holds a whole number is written as one.
_IN_JSON: Mapping[Any, frozenset[type]] = {
    int: frozenset((int, float)),
    float: frozenset((int, float)),
    str: frozenset((str,)),
    bool: frozenset((bool,)),
}


class CodecError(ValueError):
    """Raised if a value is not what a field's type says; the message names the field."""


def to_plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: a result as an object of its fields, a tuple as a list, a time as text."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_plain(part) for name, part in value.items()}
    if isinstance(value, Iterable):
        parts = list(value)
        # A trace has thousands of numbers.
        return parts if _SCALARS.issuperset(map(type, parts)) else [to_plain(part) for part in parts]
    raise CodecError(f"{type(value).__name__} has no plain form")


def from_plain(kind: type[Result], plain: Any) -> tuple[Result, tuple[str, ...]]:
    """Return the `kind` that `plain` describes, and the names in `plain` that `kind` does not know.

    A field that `plain` lacks takes its default. Raises CodecError where it has none, or where a value has another
    type than its field.
    """
    unknown: dict[str, None] = {}
    return _read(kind, plain, getattr(kind, "__name__", str(kind)), unknown), tuple(unknown)


def _read(kind: Any, plain: Any, where: str, unknown: dict[str, None]) -> Any:
    origin, arguments = _parts_of(kind)
    if kind is Any or kind is object:
        return plain
    if origin in (Union, types.UnionType):
        return _read_union(arguments, plain, where, unknown)
    if origin is Literal:
        return _expected(plain in arguments, plain, where)
    if origin is tuple:
        return _read_tuple(arguments, plain, where, unknown)
    if _is_kind(origin, Mapping):
        _expected(isinstance(plain, dict), plain, where)
        return {name: _read(arguments[1], part, where, unknown) for name, part in plain.items()}
    if _is_kind(origin, Sequence):
        _expected(isinstance(plain, list), plain, where)
        return [_read(arguments[0], part, where, unknown) for part in plain]
    return _read_single(kind, plain, where, unknown)


def _read_single(kind: Any, plain: Any, where: str, unknown: dict[str, None]) -> Any:
    """Read a single value: a number, a text, a time, a word of an enumeration, or a result."""
    if kind is None or kind is types.NoneType:
        return _expected(plain is None, plain, where)
    if is_dataclass(kind):
        return _read_result(kind, plain, unknown)
    if _is_kind(kind, datetime):
        _expected(isinstance(plain, str), plain, where)
        return _made(datetime.fromisoformat, plain, where)
    if _is_kind(kind, Enum):
        return _made(kind, plain, where)
    if kind in _IN_JSON:
        return _expected(type(plain) in _IN_JSON[kind], plain, where)
    raise CodecError(f"{where}: a field of type {kind!r} cannot be read")


def _read_union(kinds: tuple[Any, ...], plain: Any, where: str, unknown: dict[str, None]) -> Any:
    first: CodecError | None = None
    # None last: an error about the value itself says more than that it is not None.
    for kind in sorted(kinds, key=lambda kind: kind is types.NoneType):
        try:
            return _read(kind, plain, where, unknown)
        except CodecError as error:
            first = first or error
    raise first or CodecError(f"{where}: no type")


def _read_tuple(kinds: tuple[Any, ...], plain: Any, where: str, unknown: dict[str, None]) -> tuple[Any, ...]:
    _expected(isinstance(plain, list), plain, where)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        if kinds[0] in _IN_JSON and _IN_JSON[kinds[0]].issuperset(map(type, plain)):
            return tuple(plain)
        return tuple(_read(kinds[0], part, where, unknown) for part in plain)
    _expected(len(kinds) == len(plain), plain, where)
    return tuple(_read(kind, part, where, unknown) for kind, part in zip(kinds, plain, strict=True))


def _read_result(kind: Any, plain: Any, unknown: dict[str, None]) -> Any:
    _expected(isinstance(plain, dict), plain, kind.__name__)
    known = _fields_of(kind)
    unknown.update(dict.fromkeys(f"{kind.__name__}.{name}" for name in plain if name not in known))
    values = {}
    for name, (field, type_of_it, as_they_are) in known.items():
        if name in plain:
            value = plain[name]
            is_read = type(value) in as_they_are
            values[name] = value if is_read else _read(type_of_it, value, f"{kind.__name__}.{name}", unknown)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise CodecError(f"{kind.__name__}.{name} is missing")
    return kind(**values)


@cache
def _fields_of(kind: Any) -> Mapping[str, tuple[Field[Any], Any, frozenset[type]]]:
    """Return the fields by name, each with its type and the types of JSON's values that are its own as they are."""
    hints = get_type_hints(kind)
    return {
        field.name: (field, hints[field.name], _as_they_are(hints[field.name])) for field in fields(kind) if field.init
    }


def _as_they_are(kind: Any) -> frozenset[type]:
    if get_origin(kind) not in (Union, types.UnionType):
        return _IN_JSON.get(kind, frozenset()) if isinstance(kind, type) else frozenset()
    kinds = [one for one in get_args(kind) if one is not types.NoneType]
    of_none = frozenset({types.NoneType}) if len(kinds) < len(get_args(kind)) else frozenset()
    # Text may be a time or a word of an enumeration, where the field may be that too.
    return of_none.union(*map(_as_they_are, kinds)) if all(one in _IN_JSON for one in kinds) else of_none


@cache
def _parts_of(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(kind), get_args(kind)


def _is_kind(kind: Any, wanted: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, wanted)


def _made(make: Any, plain: Any, where: str) -> Any:
    try:
        return make(plain)
    except ValueError as error:
        raise CodecError(f"{where}: {error}") from None


def _expected(is_right: bool, plain: Any, where: str) -> Any:
    if not is_right:
        raise CodecError(f"{where} cannot be {str(plain)[:40]!r}")
    return plain
