"""Make an item fit its own types before it is stored: what a service sends in another shape costs that field alone.

Which type a field has, its annotation says; a value of another type is left out, and said. Sizes follow from columns:
see rows.py.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Result = TypeVar("Result")

# Bounds of what the service declares as JSON, such as a player's configuration: the known ones have some 30 values.
MAX_JSON_DEPTH = 20
MAX_JSON_VALUES = 10_000
MAX_JSON_TEXT_CHARS = 10_000
_MAX_INTEGER = 2**63 - 1
_NUMBERS: Mapping[Any, frozenset[type]] = {
    int: frozenset({int}), float: frozenset({int, float}), str: frozenset({str}), bool: frozenset({bool}),
}  # fmt: skip


class _Misfit(Exception):
    """Raised inside if a value is not what its field takes; the message is the value's own type."""


def _misfit(value: Any) -> _Misfit:
    return _Misfit(type(value).__name__)


@dataclass(slots=True)
class _Noted:
    """What was left out, by the name of the field."""

    left_out: dict[str, str]


def fit(item: Result) -> tuple[Result, tuple[str, ...]]:
    """Return the result with every value of its field's type, and a sentence for each that was left out.

    Raises ValueError where a value that must be there has another type.
    """
    noted = _Noted({})
    try:
        return _fit_result(type(item), item, noted), tuple(noted.left_out.values())
    except _Misfit as error:
        raise ValueError(f"a field that must be there cannot be {error}") from None


def _fit_result(kind: Any, value: Any, noted: _Noted) -> Any:
    if not isinstance(value, kind):
        raise _misfit(value)
    changes = {}
    for name, field, hint, as_they_are in _fields_of(kind):
        before = getattr(value, name)
        if type(before) in as_they_are:
            continue
        try:
            after = _fit(hint, before, noted)
        except _Misfit as inner:
            where = f"{kind.__name__}.{name}"
            noted.left_out.setdefault(where, f"{where} cannot be {inner}")
            after = _default(field, hint, inner)
        if after is not before:
            changes[name] = after
    return replace(value, **changes) if changes else value


def _default(field: Field[Any], hint: Any, misfit: _Misfit) -> Any:
    if types.NoneType in get_args(hint):
        return None
    if field.default is not MISSING:
        return field.default
    if field.default_factory is not MISSING:
        return field.default_factory()
    raise misfit


@cache
def _fields_of(kind: Any) -> tuple[tuple[str, Field[Any], Any, frozenset[type]], ...]:
    """Return the fields with their types, and the types of values that need no further look."""
    hints = get_type_hints(kind)
    return tuple(
        (field.name, field, hints[field.name], _as_they_are(hints[field.name])) for field in fields(kind) if field.init
    )


def _as_they_are(kind: Any) -> frozenset[type]:
    if get_origin(kind) not in (Union, types.UnionType):
        return frozenset({kind}) if kind in (str, int, float, bool) else frozenset()
    first, *_ = (one for one in get_args(kind) if one is not types.NoneType)  # tried before the others
    return _as_they_are(first) | ({types.NoneType} if types.NoneType in get_args(kind) else frozenset())


@cache
def _parts_of(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(kind), get_args(kind)


def _fit(kind: Any, value: Any, noted: _Noted) -> Any:
    origin, arguments = _parts_of(kind)
    if origin in (Union, types.UnionType):
        return _fit_union(arguments, value, noted)
    if origin is tuple:
        return _fit_tuple(arguments, value, noted)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _misfit(value)
        return _Json().bounded(value)
    if is_dataclass(kind):
        return _fit_result(kind, value, noted)
    fit_single = _SINGLE.get(kind)
    if fit_single is not None:
        return fit_single(value)
    if isinstance(kind, type) and not isinstance(value, kind):
        raise _misfit(value)
    return value


def _fit_union(kinds: tuple[Any, ...], value: Any, noted: _Noted) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    others = [kind for kind in kinds if kind is not types.NoneType]
    # Only the last kind's losses are told: a kind that did not fit has lost nothing.
    for kind in others[:-1]:
        try:
            return _fit(kind, value, _Noted({}))
        except _Misfit:
            continue
    return _fit(others[-1], value, noted)


def _fit_tuple(kinds: tuple[Any, ...], value: Any, noted: _Noted) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        raise _misfit(value)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        # The points of a trace are many: one look at their types, and no copy of what fits.
        if isinstance(value, tuple) and set(map(type, value)) <= _NUMBERS.get(kinds[0], frozenset()):
            return value
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise _misfit(value)
    # One misfit spoils the whole: lists that belong together would no longer run side by side.
    fitted = tuple(_fit(kind, part, noted) for kind, part in zip(kinds, value, strict=True))
    is_same = isinstance(value, tuple) and all(after is before for after, before in zip(fitted, value, strict=True))
    return value if is_same and isinstance(value, tuple) else fitted


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_INTEGER:
        return str(value)
    raise _misfit(value)


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return value if type(value) is int else int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _misfit(value)


def _real(value: Any) -> float:
    if isinstance(value, float) or (isinstance(value, int) and abs(value) <= _MAX_INTEGER):
        return value if not isinstance(value, bool) else float(value)
    raise _misfit(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _misfit(value)


def _instant(value: Any) -> datetime:
    # In the first and the last year, the turn to UTC may leave what a datetime can hold.
    if isinstance(value, datetime) and value.tzinfo is not None and 1 < value.year < 9999:
        return value
    raise _misfit(value)


_SINGLE: Mapping[Any, Callable[[Any], Any]] = {
    str: _text, int: _whole, float: _real, bool: _flag, datetime: _instant,
    Any: lambda value: _Json().bounded(value), object: lambda value: _Json().bounded(value),
}  # fmt: skip


class _Json:
    """Bounds one JSON value in depth, number of values and length of texts; the rest is left out."""

    def __init__(self) -> None:
        self._left = MAX_JSON_VALUES

    def bounded(self, value: Any, depth: int = 0) -> Any:
        """Return the value as far as the bounds reach."""
        self._left -= 1
        if self._left < 0 or depth > MAX_JSON_DEPTH:
            return None
        if isinstance(value, str):
            return value[:MAX_JSON_TEXT_CHARS]
        if isinstance(value, Mapping):
            return {
                str(name)[:MAX_JSON_TEXT_CHARS]: self.bounded(part, depth + 1)
                for name, part in value.items()
                if self._left > 0
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.bounded(part, depth + 1) for part in value if self._left > 0]
        return value if value is None or isinstance(value, bool | int | float) else None
