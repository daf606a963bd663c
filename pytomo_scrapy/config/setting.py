"""One setting: its name, default, unit, check and meaning, bound to the field of a configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pytomo_scrapy.config.values import Parser
from pytomo_scrapy.failures import SettingError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Value = TypeVar("Value")
Kind = TypeVar("Kind", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a user may set: a row of docs/settings.md, and the parser that checks a value."""

    name: str
    default: Any  # as a user would give it; the field's default is what the parser makes of it
    unit: str
    parse: Parser[Any]
    help: str

    def read(self, value: Any) -> Any:
        """Check one value. Raises SettingError with a sentence that names the setting and says what would be right."""
        try:
            return self.parse(value)
        except ValueError as error:
            raise SettingError(f"{self.name}={value!r} is not usable: it must be {error}.") from None


def setting(name: str, default: Any, unit: str, parse: Parser[Value], help: str) -> Value:
    """Declare the field of a frozen configuration that a setting fills; its default is the setting's.

    Names are written out, not derived from class and field: a field may be renamed, a name in a user's unit file not.
    """
    bound = Setting(name, default, unit, parse, help)
    value: Value = bound.read(default)
    return field(default=value, metadata={"setting": bound})


def part(kind: type[Kind]) -> Kind:
    """Declare the field of a frozen configuration that holds another one: the path is part of three."""
    return field(default=kind(), metadata={"part": kind})
