"""The PostgreSQL server of this run, which a test may stop, and then starts again."""

from __future__ import annotations

import pytest

from tests.running.postgres import PostgresServer as PostgresServer


@pytest.fixture(scope="module")
def server(postgres_cluster: PostgresServer) -> PostgresServer:
    return postgres_cluster
