"""The head of an HTTP answer, read line by line under a bound."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# curl itself allows 300 kB; no media server needs more than a few.
MAX_HEADER_BYTES = 65_536
# Lengths of 18 digits fit every column, and no file is longer.
_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)(?!\d)", re.ASCII | re.IGNORECASE)
_UNSATISFIED_RANGE = re.compile(r"bytes\s+\*/(\d{1,18})(?!\d)", re.ASCII | re.IGNORECASE)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_STATUS = re.compile(r"\d{3}", re.ASCII)
_UNCODED = frozenset({"", "identity"})
_MAX_DIGITS = 10
_NOT_MEDIA = ("text/", "application/json", "application/xml", "application/xhtml")


def read_retry_after(value: str | None) -> float | None:
    """Return the seconds from now that a Retry-After says. Source: RFC 9110, 10.2.3: seconds, or a date."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _MAX_DIGITS else None  # more would be stored as infinity
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


class ResponseHead:
    """Status and the header fields that a window looks at."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.http_version: str | None = None
        self.header_bytes = 0
        self.is_finished = False
        self._fields: dict[str, str] = {}

    def feed(self, line: bytes) -> bool:
        """Take one line. False when the header has outgrown its bound."""
        self.header_bytes += len(line)
        if self.header_bytes > MAX_HEADER_BYTES:
            return False
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            # A 1xx answer is followed by another head.
            words = text.split()
            self.http_version = words[0].removeprefix("HTTP/")
            self.status = int(words[1]) if len(words) > 1 and _STATUS.fullmatch(words[1]) else None
            self.is_finished = False
            self._fields = {}
        elif not text:
            self.is_finished = self.status is None or self.status >= 200
        elif ":" in text:
            name, _, value = text.partition(":")
            self._fields[name.strip().lower()] = value.strip()
        return True

    @property
    def location(self) -> str | None:
        """Target of a redirect: text in UTF-8, or in no encoding at all, whose bytes are kept."""
        value = self._fields.get("location")
        return value.encode("latin-1").decode("utf-8", "surrogateescape") if value is not None else None

    @property
    def content_type(self) -> str | None:
        """Media type, without its parameters."""
        value = self._fields.get("content-type")
        return value.partition(";")[0].strip().lower()[:100] or None if value else None

    @property
    def content_length_bytes(self) -> int | None:
        """Length of the body. None where it is not declared."""
        value = self._fields.get("content-length", "")
        return int(value) if _LENGTH.fullmatch(value) else None

    @property
    def range_start_bytes(self) -> int | None:
        """First byte that the answer holds. None without a usable Content-Range."""
        match = _CONTENT_RANGE.match(self._fields.get("content-range", ""))
        return int(match[1]) if match else None

    @property
    def size_bytes(self) -> int | None:
        """Length of the whole file. None where the server does not say."""
        if self.status == 416:
            # RFC 9110, 14.4: the answer to a range behind the end says where the end is.
            match = _UNSATISFIED_RANGE.match(self._fields.get("content-range", ""))
            return int(match[1]) if match else None
        if self.status == 206:
            match = _CONTENT_RANGE.match(self._fields.get("content-range", ""))
            return int(match[3]) if match and match[3] != "*" else None
        return self.content_length_bytes if self.status == 200 else None

    @property
    def coding(self) -> str | None:
        """How the body is coded, though no coding was asked for. None where it is not."""
        value = self._fields.get("content-encoding", "").strip().lower()
        return None if value in _UNCODED else value[:100]

    @property
    def retry_after_s(self) -> float | None:
        """Wait that the server orders. Source: RFC 9110, 10.2.3: seconds, or a date."""
        return read_retry_after(self._fields.get("retry-after"))

    @property
    def date(self) -> datetime | None:
        """When the server made this answer, by its own clock. None where a cache kept it, or it does not say."""
        if self._fields.get("age", "0") != "0":
            return None
        try:
            date = parsedate_to_datetime(self._fields.get("date", ""))
            return date.astimezone(UTC) if date.tzinfo is not None else None
        except (TypeError, ValueError, OverflowError, IndexError):
            return None

    def body_failure(self, asked_from_bytes: int, trusted_type: str | None = None) -> tuple[str, str] | None:
        """Say why a success cannot be used as the media bytes from `asked_from_bytes` on. None when it can.

        `trusted_type`: a media file has been sent with this type before, or its bytes are looked at.
        """
        content_type = self.content_type or ""
        if content_type.startswith(_NOT_MEDIA) and content_type != trusted_type:
            return "wrong_content", f"the answer is {content_type}"
        if self.coding is not None:
            return "bad_response", f"the body is coded ({self.coding}), which was not asked for"
        if self.status == 206 and self.range_start_bytes not in {None, asked_from_bytes}:
            return "bad_response", f"asked for bytes from {asked_from_bytes}, got {self.range_start_bytes}"
        if self.status == 200 and asked_from_bytes:
            return "bad_response", "the range was ignored"
        return None
