"""The guest identity that the service gives to a first visit: a salted hash of it and its begin, never itself."""

from __future__ import annotations

import base64
import os
import re
import secrets
import urllib.parse
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any

from yt_dlp.networking.common import Request

_HASH_BYTES = 8
_VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{11}")
# Shorter values of cookies are choices, such as the language, and would be taken out of ordinary words.
_SHORTEST_SECRET = 8
_REMOVED = "[removed]"


@dataclass(frozen=True, slots=True)
class GuestIdentity:
    """One identity as it is kept: its hash, and the monotonic instant of the answer that it began with."""

    hash: str
    began_s: float


@dataclass(slots=True)
class Guest:
    """Who one try is to the service, by player client. It alone knows the texts that may appear in no message.

    `salt` is that of its hash: None for the process's own.
    """

    salt: bytes | None = field(default=None, repr=False)
    _private_texts: set[str] = field(default_factory=set, repr=False)
    _by_client: dict[str, GuestIdentity] = field(default_factory=dict)
    _first_answer_s: float | None = None
    _last_answer_s: float = 0.0

    def answered(self, now_s: float) -> None:
        """Note that the service answered anything: a first visit begins with the first answer."""
        self._first_answer_s = now_s if self._first_answer_s is None else self._first_answer_s
        self._last_answer_s = now_s

    def named(self, request: Any, question: Any, answer: Any) -> None:
        """Note the identity of a player answer: the one that the request carried, else the one that it was given.

        `question` and `answer` are what the two say, as read from JSON.
        """
        given = _text_in(answer, "responseContext", "visitorData")
        client, sent = "", None
        if isinstance(request, Request):
            client = _text_in(question, "context", "client", "clientName") or ""
            sent = _text_in(question, "context", "client", "visitorData") or request.headers.get("X-Goog-Visitor-Id")
        self.hide(given, sent)
        if sent and self._first_answer_s is not None:
            self._by_client[client] = GuestIdentity(hashed(sent, self.salt), self._first_answer_s)
        elif given:
            self._by_client[client] = GuestIdentity(hashed(given, self.salt), self._last_answer_s)

    def hide(self, *texts: str | None) -> None:
        """Note texts that identify the guest, such as the values of its cookies."""
        for text in texts:
            known = {text, urllib.parse.unquote(text), visitor_id(text)} if text else set()
            self._private_texts |= {part for part in known if part and len(part) >= _SHORTEST_SECRET}

    def taken_out_of(self, text: str) -> str:
        """Return a message without what identifies the guest, even where the message was cut within it."""
        for private in sorted(self._private_texts, key=len, reverse=True):
            text = text.replace(private, _REMOVED)
            for length in range(len(private) - 1, _SHORTEST_SECRET - 1, -1):
                if text.endswith(private[:length]):
                    text = text[:-length] + _REMOVED
                    break
        return text

    def identity(self, client: str | None) -> GuestIdentity | None:
        """Return the identity that `client` had, else the last one. None where no answer named one."""
        if client in self._by_client:
            return self._by_client[client]
        return next(reversed(self._by_client.values()), None)


def visitor_id(visitor_data: str) -> str | None:
    """Return the visitor's id in `visitorData`, which answers repeat with a new time. None where it has another shape.

    Source: yt-dlp, extractor/youtube/pot/utils.py: the first field of a protobuf message, of eleven letters.
    """
    try:
        found = base64.urlsafe_b64decode(urllib.parse.unquote(visitor_data) + "==")[2:13].decode()
    except ValueError:
        return None
    return found if _VISITOR_ID.fullmatch(found) else None


def hashed(visitor_data: str, salt: bytes | None = None) -> str:
    """Return the hash of an identity: the same for each of its answers with one salt.

    None stands for the salt of this process, which no other process has.
    """
    key = _salt(os.getpid()) if salt is None else salt
    return blake2b((visitor_id(visitor_data) or visitor_data).encode(), key=key, digest_size=_HASH_BYTES).hexdigest()


@cache
def _salt(process_id: int) -> bytes:
    """Return a salt that is never written down; by process, so that a forked one does not inherit it."""
    return secrets.token_bytes(32)


def _text_in(value: Any, *names: str) -> str | None:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
