"""An HTTP/3 server on loopback that serves a body, for the window's tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration


def _protocol(body: bytes) -> type[QuicConnectionProtocol]:
    class Protocol(QuicConnectionProtocol):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._http: H3Connection | None = None

        def quic_event_received(self, event: Any) -> None:
            if self._http is None:
                self._http = H3Connection(self._quic)
            for http_event in self._http.handle_event(event):
                if isinstance(http_event, HeadersReceived):
                    headers = [(b":status", b"200"), (b"content-type", b"video/mp4")]
                    headers.append((b"content-length", str(len(body)).encode()))
                    self._http.send_headers(http_event.stream_id, headers)
                    self._http.send_data(http_event.stream_id, body, end_stream=True)
                    self.transmit()

    return Protocol


@contextmanager
def serving_h3(body: bytes, certificate: Path) -> Iterator[int]:
    """Serve `body` for every request; give the UDP port."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(certificate, certificate)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ports: list[int] = []

    async def run() -> None:
        server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=_protocol(body))
        ports.append(server._transport.get_extra_info("sockname")[1])  # type: ignore[attr-defined]
        ready.set()
        await stop.wait()
        server.close()
        await asyncio.sleep(0.05)

    stop = asyncio.Event()

    def main() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(run())
        loop.close()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    if not ready.wait(60):
        raise RuntimeError("the HTTP/3 server did not start")
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
