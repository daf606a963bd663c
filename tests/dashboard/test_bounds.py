"""What one visitor can take from the others: nothing by silence, by large bodies, by many reports or by guesses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard import bounds, server
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.dashboard.bounds import Guesses, Turns
from pytomo_scrapy.dashboard.choice import Choice
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.read_only import ReadDatabase

TOKEN = "a-right-token"


@pytest.fixture
def guarded(filled: Path) -> Iterator[TestClient]:
    with TestClient(create_app(DashboardConfig(f"sqlite:///{filled}", token=TOKEN))) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("host", ["x/static/?", "x/healthz?", "x/token?", "x/static/#", "x\\static", "/static/", ""])
@pytest.mark.parametrize("address", ["/", "/api/overview", "/videos", "/metrics"])
def test_no_host_name_opens_what_the_token_guards(guarded: TestClient, host: str, address: str) -> None:
    answer = guarded.get(address, headers={"Host": host}, follow_redirects=False)
    assert answer.status_code in (303, 400, 401), "the path of the request line counts"


@pytest.mark.parametrize("address", ["/healthzx", "/tokens", "/static", "/token/"])
def test_address_that_begins_like_an_open_one_is_guarded(guarded: TestClient, address: str) -> None:
    assert guarded.get(address, follow_redirects=False).headers.get("location") == "/token"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["post", "bearer", "cookie"])
def test_eleventh_guess_of_a_minute_is_not_looked_at(guarded: TestClient, way: str) -> None:
    def guess(token: str) -> int:
        if way == "post":
            return guarded.post("/token", content=f"token={token}", follow_redirects=False).status_code
        headers = {"Authorization": f"Bearer {token}"} if way == "bearer" else {"Cookie": f"pytomo_token={token}"}
        return guarded.get("/api/overview", headers=headers).status_code

    assert [guess(f"wrong {number}") for number in range(10)] == [401] * 10
    assert guess("wrong") == 429 and guess(TOKEN) == 429, "right or wrong: nothing is told"
    assert guarded.get("/healthz").status_code == 200


def test_guesses_are_forgotten_after_a_minute_and_bounded_in_memory() -> None:
    now = [0.0]
    guesses = Guesses(clock=lambda: now[0])
    for number in range(3_000):
        guesses.wrong(f"address {number % 2_000}")
    assert len(guesses._wrong_s) <= 1_000
    for _ in range(10):
        guesses.wrong("here")
    assert guesses.is_over("here") and not guesses.is_over("there")
    now[0] = 61.0
    assert not guesses.is_over("here")


@pytest.mark.slow
def test_body_that_is_no_token_is_not_read(guarded: TestClient) -> None:
    taken = []

    async def receive() -> Any:
        taken.append(1)
        return {"type": "http.request", "body": b"x" * 500, "more_body": True}

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "path": "/token", "raw_path": b"/token", "query_string": b"", "method": "POST",
             "headers": [(b"host", b"x")], "client": ("192.0.2.1", 1)}  # fmt: skip
    asyncio.run(guarded.app(scope, receive, send))
    assert len(taken) == 3, "and a byte more than a token has is too much"


def test_every_answer_keeps_other_sites_from_including_it(client: TestClient) -> None:
    for address in ("/", "/api/overview", "/static/page.css", "/healthz", "/nowhere"):
        assert client.get(address).headers["cross-origin-resource-policy"] == "same-origin"


# Turns.


def ask(turns: Turns, path: str) -> Any:
    answers: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    async def run() -> int:
        await turns({"type": "http", "path": path, "method": "GET", "headers": []}, None, send)  # type: ignore[arg-type]
        return answers[0] if answers else 200

    return run()


class Slow:
    """An application whose answers end when they are let go."""

    def __init__(self) -> None:
        self.at_once = self.most = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.go.wait()
        self.at_once -= 1


@pytest.mark.parametrize(("path", "most"), [("/report.pdf", 2), ("/api/videos.csv", 2), ("/videos", 6)])
def test_few_answers_are_made_at_once_and_who_comes_too_late_is_told(
    path: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LONGEST_WAIT_S", 0.05)

    async def run() -> None:
        slow = Slow()
        turns = Turns(slow)
        asked = [asyncio.create_task(ask(turns, path)) for _ in range(60)]
        await asyncio.sleep(0.2)
        assert slow.most == most
        healthy = asyncio.create_task(ask(turns, "/healthz"))
        await asyncio.sleep(0.01)
        assert slow.at_once == most + 1, "health waits for nobody"
        slow.go.set()
        assert sorted(await asyncio.gather(*asked)) == [200] * most + [503] * (60 - most)
        assert await healthy == 200

    asyncio.run(run())


@pytest.mark.slow
def test_database_with_too_many_readers_is_busy_and_no_error_of_ours(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytomo_scrapy.storage.read_only._POOL_TIMEOUT_S", 0.05)
    app = create_app(DashboardConfig(f"sqlite:///{filled}"))
    with TestClient(app, raise_server_exceptions=False) as client, contextlib.ExitStack() as held:
        database: ReadDatabase = app.state.catalogue.database(None)[1]
        for _ in range(6):
            held.enter_context(database.read())
        assert client.get("/api/overview").status_code == 503
        assert client.get("/healthz").status_code == 200


# Connections.


@pytest.fixture
def page(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(bounds, "SILENCE_S", 0.3)
    app = create_app(DashboardConfig(f"sqlite:///{filled}"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(server.bounded_config(app))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        running.should_exit = True
        thread.join(10)


def answer_of(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(100)


@pytest.mark.process
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"POST /token HTTP/1.1\r\n"])
def test_silent_connections_take_the_page_from_nobody(page: int, sent: bytes) -> None:
    with contextlib.ExitStack() as held:
        silent = []
        for _ in range(250):
            client = held.enter_context(socket.create_connection(("127.0.0.1", page), timeout=5))
            with contextlib.suppress(OSError):
                client.sendall(sent)
            silent.append(client)
        assert answer_of(page).startswith(b"HTTP/1.1 200")
        deadline_s = time.monotonic() + 5
        silent[-1].settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert silent[-1].recv(1000)[:12] in (b"", b"HTTP/1.1 400"), "what stays silent is ended"
        assert time.monotonic() < deadline_s


# Tokens.


@pytest.mark.parametrize("token", ["", "short", "1234567"])
def test_token_that_is_too_short_is_refused(token: str, filled: Path) -> None:
    with pytest.raises(SettingError, match="it must have 8 at least"):
        server.serve(Choice(f"sqlite:///{filled}", None), port=0, token=token)


def test_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from a file\n")
    monkeypatch.setenv(server.TOKEN_VARIABLE, "from the environment")
    assert server.read_token(None, None) == "from the environment"
    assert server.read_token(None, tmp_path / "token") == "from a file"
    assert server.read_token("given", tmp_path / "token") == "given"
    with pytest.raises(SettingError, match="cannot be read"):
        server.read_token(None, tmp_path / "nothing")
