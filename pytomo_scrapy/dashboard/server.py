"""Run the page: what `scrapy dashboard` and `pytomo serve` call."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.failures import SettingError

DEFAULT_PORT = 5555
DEFAULT_HOST = "127.0.0.1"
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def serve(
    database_url: str,
    *,
    directory: Path | None = None,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    token: str | None = None,
    is_verbose: bool = False,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl-C.

    On an address that other machines can reach a token is required; without one given, the page makes one up.

    Raises SettingError where the address or port cannot be used.
    """
    import uvicorn

    is_own = is_loopback(host)
    if not is_own and token is None:
        token = secrets.token_urlsafe(18)
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    # An own name is demanded on loopback: another site's name that points here is refused.
    names = (*_OWN_NAMES, host.lower()) if is_own else ()
    app = create_app(DashboardConfig(database_url, directory, token, names))
    shown = f"[{host}]" if ":" in host else host
    tell(f"The web page is at http://{shown}:{port}/ until Ctrl-C.")
    if token is not None:
        tell(f"It asks for this token: {token}")
    config = uvicorn.Config(
        app,
        log_level="info" if is_verbose else "warning",
        access_log=is_verbose,
        server_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
        limit_concurrency=200,
        h11_max_incomplete_event_size=65_536,
        lifespan="on",
        ws="none",
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn has ended in order, and raises the signal again
    finally:
        listener.close()


def read_port(text: str) -> int:
    """Read a port number; 0 lets the system choose. Raises SettingError."""
    if not text.isdecimal() or int(text) > 65535:
        raise SettingError(f"{text!r} is not a port: give a number up to 65535.")
    return int(text)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        if listener is not None:
            listener.close()
        why = (error.strerror or str(error)).lower()
        raise SettingError(f"The web page cannot listen on {host} port {port}: {why}.") from error
    return listener
