"""What the value of a setting may look like: one parser a kind, each saying what would be right."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

Value = TypeVar("Value")
Parser = Callable[[Any], Value]  # from the user's value; raises BadValue


# Of seconds: later there is no year. Of numbers that are stored: what a database holds.
_MOST = 1e11
MOST_WHOLE = 2**63 - 1


class BadValue(ValueError):
    """Raised by a parser; the text says what would be right."""


def number(minimum: float, maximum: float = math.inf) -> Parser[float]:
    def parse(value: Any) -> float:
        what = f"a number of at least {minimum:g}" + (f" and at most {maximum:g}" if maximum < math.inf else "")
        try:
            found = float(value)
        except (TypeError, ValueError):
            raise BadValue(what) from None
        if not math.isfinite(found) or not minimum <= found <= maximum:
            raise BadValue(what)
        if found > _MOST:
            raise BadValue(f"{what} and at most {_MOST:g}")
        return found

    return parse


def whole(minimum: int, maximum: int | None = None) -> Parser[int]:
    def parse(value: Any) -> int:
        what = f"a whole number of at least {minimum}" + (f" and at most {maximum}" if maximum else "")
        try:
            # By its text: of the number 2.5 itself, int() would make 2 without a word.
            found = int(str(value).strip())
        except ValueError:
            raise BadValue(what) from None
        if found < minimum or (maximum is not None and found > maximum):
            raise BadValue(what)
        if found > MOST_WHOLE:
            raise BadValue(f"{what} and at most {MOST_WHOLE}")
        return found

    return parse


def size(value: Any) -> tuple[int, int]:
    """Read a size in pixels, such as 1920x1080."""
    width, x, height = str(value).strip().lower().partition("x")
    if not x or not (width.isdecimal() and height.isdecimal()) or not (0 < int(width) < 20_000 > int(height) > 0):
        raise BadValue("a width and a height such as 1920x1080")
    return int(width), int(height)


def flag(value: Any) -> bool:
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", "none", ""}:
        return False
    raise BadValue("1 or 0 (true or false)")


def choice(*allowed: str) -> Parser[str]:
    def parse(value: Any) -> str:
        word = str(value).strip().lower()
        if word not in allowed:
            raise BadValue("one of " + ", ".join(allowed))
        return word

    return parse


def choices(*allowed: str) -> Parser[tuple[str, ...]]:
    """Read some of the allowed words, each once, in the order of `allowed`."""

    def parse(value: Any) -> tuple[str, ...]:
        chosen = {word.lower() for word in words(value)}
        if not chosen or not chosen <= set(allowed):
            raise BadValue("one or more of " + ", ".join(allowed))
        return tuple(word for word in allowed if word in chosen)

    return parse


def text(value: Any) -> str:
    found = str(value).strip()
    if not found:
        raise BadValue("some text")
    return found


def any_text(value: Any) -> str:
    return str(value or "").strip()


def optional(parser: Parser[Value]) -> Parser[Value | None]:
    def parse(value: Any) -> Value | None:
        # Who cannot unset a variable of the environment can empty it.
        if value is None or str(value).strip() == "" or str(value).strip().lower() == "none":
            return None
        return parser(value)

    return parse


def words(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, (list, tuple)) else str(value or "").split(",")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def moment(value: str | date) -> datetime:
    """Read a day or a time of ISO 8601 as a time in UTC, which it is where it says no zone."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else value
        found = read if isinstance(read, datetime) else datetime(read.year, read.month, read.day)  # noqa: DTZ001
        # An hour before the first year is a time to Python, until it is to be compared with another.
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadValue("a time such as 2026-01-31 or 2026-01-31T12:00") from None


def _address(value: Any, schemes: Collection[str], right: str) -> str:
    """Read a URL of these schemes, with a host and perhaps a port."""
    url = str(value).strip()
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an IPv6 address without its end, or a port that is no number
        is_usable = False
    if not is_usable:
        raise BadValue(right)
    return url


def proxy_url(value: Any) -> str:
    return _address(value, {"http"}, "a proxy URL such as http://host:3128")


def ip_address(value: Any) -> str:
    try:
        return str(ipaddress.ip_address(str(value).strip()))
    except ValueError:
        raise BadValue("an IP address of this machine") from None


def host_name(value: Any) -> str:
    """Read a host name as TLS sends it: labels of letters, digits and hyphens. Source: RFC 6066, 3; RFC 1123, 2.1."""
    name = str(value).strip().lower().rstrip(".")
    labels = name.split(".")
    is_name = all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label, re.ASCII) for label in labels)
    if not is_name or len(labels) < 2 or len(name) > 253 or labels[-1].isdigit():
        raise BadValue("a host name such as www.example.com")
    return name


def web_address(value: Any) -> str:
    """Read the address of a web hook."""
    return _address(value, {"http", "https"}, "a web address such as https://example.org/hook")


def mail_server(value: Any) -> str:
    """Read the address of a mail server. The default ports are those of RFC 5321, 6409 and 8314."""
    right = "the address of a mail server such as smtps://user:password@mail.example.org"
    return _address(value, {"smtp", "smtp+starttls", "smtps"}, right)
