"""The base of the lab's servers: connections begin and end there, and nothing is left behind."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pytomo_scrapy.lab.serving import LabServer, open_listener

pytestmark = pytest.mark.process


class EchoServer(LabServer):
    """Sends back what comes in lines; "bye" ends the connection, and "oops" is a network's fault."""

    async def start(self) -> int:
        listener = open_listener("127.0.0.1")
        port = int(listener.getsockname()[1])
        await self._listen(listener, self._echo)
        return port

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (line := await reader.readline()) != b"bye\n":
            if line == b"oops\n":
                raise ConnectionResetError
            writer.write(line)
            await writer.drain()

    @property
    def open_count(self) -> int:
        return len(self._tasks)


async def until_over(server: EchoServer) -> None:
    while server.open_count:
        await asyncio.sleep(0)


@pytest.mark.parametrize("last", [b"bye\n", b"oops\n"])
def test_connection_ends_and_the_server_goes_on(last: bytes) -> None:
    async def main() -> None:
        server = EchoServer()
        port = await server.start()
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\n" + last)
            assert await asyncio.wait_for(reader.read(), 5) == b"hello\n"
            writer.close()
            await asyncio.wait_for(until_over(server), 5)
        await server.close()

    asyncio.run(main())


def test_close_ends_open_connections_and_frees_the_port() -> None:
    async def main() -> int:
        server = EchoServer()
        port = await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        await asyncio.wait_for(server.close(), 5)
        assert server.open_count == 0
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        return port

    port = asyncio.run(main())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_close_of_a_server_that_never_started_does_nothing() -> None:
    asyncio.run(LabServer().close())


def test_listener_sends_small_portions_at_once() -> None:
    with open_listener("127.0.0.1") as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
