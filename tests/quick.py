"""`pytest --quick`: the tests that start no process and open no socket, for every save; one that does either fails."""

from __future__ import annotations

import platform
import socket
import subprocess
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

import pytest

SLOW_MARKERS = ("alone", "lab", "process", "root", "slow")
# Folders in which every test runs the product from outside.
SLOW_FOLDERS = ("e2e",)
# Modules whose first import starts a process or opens a socket: a list of fonts or of libraries, a trial of IPv6.
_BUSY_IMPORTS = {
    "urllib3.util.connection": None,
    "pytomo_scrapy.measure.resolve.client": None,
    "matplotlib.font_manager": "test_examples.py",
}
_SERVER_FIXTURES = {"postgres_cluster", "postgres_server", "postgres_url", "browser", "lab_database"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--quick", action="store_true", help="only tests without a process or a socket")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse processes and sockets."""
    if config.getoption("--quick"):
        config.pluginmanager.register(_NothingOutside())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is known to be slow."""
    if config.getoption("--quick"):
        files = {Path(item.path).name for item in items}
        for module, only_file in _BUSY_IMPORTS.items():
            if only_file is None or only_file in files:
                import_module(module)
        platform.platform()  # asks a process once, and remembers the answer
        slow = [item for item in items if _is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not _is_slow(item)]


def _is_slow(item: pytest.Item) -> bool:
    if any(item.get_closest_marker(name) for name in SLOW_MARKERS):
        return True
    if Path(item.path).parent.name in SLOW_FOLDERS or _SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
        return True
    parameters = getattr(item, "callspec", None)
    names = [] if parameters is None else [value for value in parameters.params.values() if isinstance(value, str)]
    return "postgres" in names


class _NothingOutside:
    """Registered in a quick run only: elsewhere it would cost each test a fixture."""

    @pytest.fixture(autouse=True)
    def nothing_outside(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fail a quick test that starts a process or opens a socket."""

        def refuse(*_: Any, **__: Any) -> NoReturn:
            pytest.fail("a test that starts a process or opens a socket is marked `process`", pytrace=True)

        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
        monkeypatch.setattr(BaseProcess, "start", refuse)
        for name in ("connect", "connect_ex", "bind"):
            monkeypatch.setattr(socket.socket, name, refuse)
