"""What the value of a setting may look like: one parser a kind, each saying what would be right."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Parser = Callable[[Any], Any]


class BadValue(ValueError):
    """Raised by a parser; the text says what would be right."""


def number_of(minimum: float, maximum: float = math.inf) -> Parser:
    def parse(value: Any) -> float:
        what = f"a number of at least {minimum:g}" + (f" and at most {maximum:g}" if maximum < math.inf else "")
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise BadValue(what) from None
        if not math.isfinite(number) or not minimum <= number <= maximum:
            raise BadValue(what)
        return number

    return parse


def whole(minimum: int, maximum: int | None = None) -> Parser:
    def parse(value: Any) -> int:
        what = f"a whole number of at least {minimum}" + (f" and at most {maximum}" if maximum else "")
        try:
            number = int(str(value).strip())
        except ValueError:
            raise BadValue(what) from None
        if number < minimum or (maximum is not None and number > maximum):
            raise BadValue(what)
        return number

    return parse


def flag(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off", "none", ""}:
        return False
    raise BadValue("1 or 0 (true or false)")


def choice(*words: str) -> Parser:
    def parse(value: Any) -> str:
        text = str(value).strip().lower()
        if text not in words:
            raise BadValue("one of " + ", ".join(words))
        return text

    return parse


def text_of(value: Any) -> str:
    text = str(value).strip()
    if not text:
        raise BadValue("some text")
    return text


def optional(parser: Parser) -> Parser:
    def parse(value: Any) -> Any:
        if value is None or str(value).strip() == "" or str(value).strip().lower() == "none":
            return None
        return parser(value)

    return parse


def words(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, (list, tuple)) else str(value or "").split(",")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def proxy(value: Any) -> str:
    text = str(value).strip()
    parts = urlsplit(text)
    if parts.scheme != "http" or not parts.hostname:
        raise BadValue("a proxy URL such as http://host:3128")
    return text


def address(value: Any) -> str:
    try:
        return str(ipaddress.ip_address(str(value).strip()))
    except ValueError:
        raise BadValue("an IP address of this machine") from None


def web_address(value: Any) -> str:
    """Read the address of a web hook."""
    text = str(value).strip()
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadValue("a web address such as https://example.org/hook")
    return text
