"""What the lab's servers have in common: listeners, the tasks that they start, an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from pytomo_scrapy.lab.http.request_heads import HEAD_MAX_BYTES

logger = logging.getLogger(__name__)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_BACKLOG = 128
_HANDSHAKE_MAX_S = 10.0
_TLS_END_MAX_S = 1.0
_END_MAX_S = 2.0


def open_listener(address: str, port: int = 0) -> socket.socket:
    """Return a TCP socket that listens, over the family of its address. Port 0: any that is free."""
    listener = socket.create_server(
        (address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=_BACKLOG
    )
    # Connections inherit it. asyncio itself sets it only on sockets that name their protocol, which these do not, and
    # Nagle's algorithm would hold a small portion back until the client's delayed acknowledgement, 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class LabServer:
    """Serves connections, each in a task of its own, until it is closed."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._transports: list[asyncio.DatagramTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop listening, and end every connection and every answer that is still held back."""
        for transport in self._transports:
            transport.close()
        for server in self._servers:
            server.close()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)
        for server in self._servers:
            await server.wait_closed()
        self._transports.clear()
        self._servers.clear()

    async def _listen(self, listener: socket.socket, serve: Serve, tls: ssl.SSLContext | None = None) -> None:
        """Hand every connection of `listener` to `serve`."""

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._spawn(_converse(serve, reader, writer))

        # asyncio refuses these for a listener without TLS.
        times: dict[str, Any] = (
            {"ssl_handshake_timeout": _HANDSHAKE_MAX_S, "ssl_shutdown_timeout": _TLS_END_MAX_S} if tls else {}
        )
        self._servers.append(await asyncio.start_server(accept, sock=listener, limit=HEAD_MAX_BYTES, ssl=tls, **times))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _converse(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until either side ends it."""
    try:
        await serve(reader, writer)
        writer.close()
        # A peer that does not answer the end of TLS is cut off.
        await asyncio.wait_for(writer.wait_closed(), _END_MAX_S)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        # A client that leaves, or that does not trust the lab's authority, is its own business.
        logger.debug("A client's connection ended: %r", error)
    finally:
        writer.transport.abort()
