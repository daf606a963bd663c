"""A PostgreSQL server on loopback that a test may stop and start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import missing
from tests.running.postgres import PostgresServer as PostgresServer
from tests.running.postgres import what_is_missing


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    if (reason := what_is_missing()) is not None:
        missing(reason)
    made = PostgresServer()
    made.start()
    yield made
    made.stop()
    made.remove()
