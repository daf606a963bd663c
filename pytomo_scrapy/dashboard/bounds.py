"""Bounds of the web page: answers made at once, tokens guessed in a minute, time that a client may be silent."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# An answer holds a thread and a connection to the database; what draws or writes a whole period takes a core besides.
AT_ONCE = 6
HEAVY_AT_ONCE = 2
WAITING = 40  # for each kind; who comes later is told to
LONGEST_WAIT_S = 10.0
_HEAVY_ENDINGS = ("/report.pdf", ".csv")
# They ask no database, or one of their own: monitoring must see a busy page, not a dead one.
_APART = ("/healthz", "/static/", "/token")

MAX_GUESSES = 10
GUESS_PERIOD_S = 60.0
_MAX_ADDRESSES = 1000


class Guesses:
    """Counts wrong tokens by the address that they come from: ten a minute are looked at."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong_s: dict[str, deque[float]] = {}

    def wrong(self, address: str) -> None:
        """Note a wrong token."""
        times = self._wrong_s.pop(address, None) or deque[float](maxlen=MAX_GUESSES)
        times.append(self._clock())
        self._wrong_s[address] = times  # as the newest
        if len(self._wrong_s) > _MAX_ADDRESSES:
            del self._wrong_s[next(iter(self._wrong_s))]

    def is_over(self, address: str) -> bool:
        """Tell whether the address has guessed too often of late."""
        times = self._wrong_s.get(address)
        return times is not None and len(times) == MAX_GUESSES and self._clock() - times[0] < GUESS_PERIOD_S


class Turns:
    """Lets a few answers be made at once; the next wait for a moment, and are then told that the page is busy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._usual = asyncio.Semaphore(AT_ONCE)
        self._heavy = asyncio.Semaphore(HEAVY_AT_ONCE)
        self._waiting = {self._usual: 0, self._heavy: 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_APART):
            await self._app(scope, receive, send)
            return
        turns = self._heavy if scope["path"].endswith(_HEAVY_ENDINGS) else self._usual
        if not await self._take(turns):
            busy = PlainTextResponse("The page is busy: try again in a moment.\n", 503, {"Retry-After": "10"})
            await busy(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            turns.release()

    async def _take(self, turns: asyncio.Semaphore) -> bool:
        if self._waiting[turns] >= WAITING:
            return False
        self._waiting[turns] += 1
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                return await turns.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting[turns] -= 1


# Connections at once. Beyond it the one that has been silent for the longest gives way to the newcomer.
MAX_CONNECTIONS = 150
SILENCE_S = 10.0


def bounded_protocol() -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP/1.1 that ends what sends no whole request in time, also between two requests."""
    # Imported late: only a server needs it.
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class BoundedProtocol(H11Protocol):
        """Looks every SILENCE_S whether the client has begun a request since."""

        _seen_cycle: Any = None
        _look: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            if len(self.connections) >= MAX_CONNECTIONS:
                self._make_room()
            super().connection_made(transport)
            self.opened_s = self.loop.time()
            self._look = self.loop.call_later(SILENCE_S, self._end_if_silent)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._look is not None:
                self._look.cancel()
            super().connection_lost(exc)

        @property
        def is_silent(self) -> bool:
            """Whether no request of the client is being answered."""
            return self.cycle is None or self.cycle.response_complete

        def _end_if_silent(self) -> None:
            if self.is_silent and self.cycle is self._seen_cycle:
                self.transport.close()
                return
            self._seen_cycle = self.cycle
            self._look = self.loop.call_later(SILENCE_S, self._end_if_silent)

        def _make_room(self) -> None:
            silent = [held for held in self.connections if isinstance(held, BoundedProtocol) and held.is_silent]
            if silent:
                longest = min(silent, key=lambda held: held.opened_s)
                self.connections.discard(longest)
                longest.transport.abort()

    return BoundedProtocol
