"""Run the page: what `scrapy dashboard` and `pytomo serve` call."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytomo_scrapy.config import GradeConfig
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.dashboard.bounds import MAX_CONNECTIONS, bounded_protocol
from pytomo_scrapy.dashboard.choice import Choice
from pytomo_scrapy.failures import SettingError

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

DEFAULT_PORT = 5555
MIN_TOKEN_CHARS = 8
TOKEN_VARIABLE = "PYTOMO_DASHBOARD_TOKEN"
DEFAULT_HOST = "127.0.0.1"
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def serve(
    choice: Choice,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    token: str | None = None,
    is_verbose: bool = False,
    grade: GradeConfig | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl-C.

    On an address that other machines can reach a token is required; without one given, the page makes one up.

    Raises SettingError where the address or port cannot be used.
    """
    # Before NumPy is imported: in systems as small as ours, threads of its algebra mostly wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import uvicorn

    is_own = is_loopback(host)
    if token is not None and len(token) < MIN_TOKEN_CHARS:
        raise SettingError(f"The token has {len(token)} characters: it must have {MIN_TOKEN_CHARS} at least.")
    if not is_own and token is None:
        # An address that others reach is never open by default: 144 bits, to be copied from the terminal.
        token = secrets.token_urlsafe(18)
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    # An own name is demanded on loopback: another site's name that points here is refused.
    names = (*_OWN_NAMES, host.lower()) if is_own else ()
    app = create_app(DashboardConfig(choice.url, choice.directory, token, names, choice.note, grade or GradeConfig()))
    shown = f"[{host}]" if ":" in host else host
    if choice.note is not None:
        tell(choice.note)
    tell(f"The web page is at http://{shown}:{port}/ until Ctrl-C.")
    if token is not None:
        tell(f"It asks for this token: {token}")
    try:
        uvicorn.Server(bounded_config(app, is_verbose=is_verbose)).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn has ended in order, and raises the signal again
    finally:
        listener.close()


def bounded_config(app: Starlette, *, is_verbose: bool = False) -> uvicorn.Config:
    """Return how the page is served: what a client may send, for how long, and how many of them."""
    import uvicorn

    return uvicorn.Config(
        app,
        log_level="info" if is_verbose else "warning",
        access_log=is_verbose,
        server_header=False,
        # Short, as each open connection counts against the bound.
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
        # Above the bound of connections: the protocol itself makes room there.
        limit_concurrency=2 * MAX_CONNECTIONS,
        http=bounded_protocol(),
        h11_max_incomplete_event_size=65_536,
        lifespan="on",
        ws="none",
    )


def read_token(given: str | None, file: Path | None) -> str | None:
    """Return the token of the command line, of a file, or of the environment. None where there is none.

    Raises SettingError where the file cannot be read.
    """
    if given is not None:
        return given
    if file is None:
        # Empty is how a compose file leaves a variable out.
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(f"The token's file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise SettingError(f"The token's file {file} cannot be read: it is not UTF-8.") from None


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
        # A page that is started again need not wait until the system forgets the connections of the last one.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        if listener is not None:
            listener.close()
        why = (error.strerror or str(error)).lower()
        raise SettingError(f"The web page cannot listen on {host} port {port}: {why}.") from error
    return listener
