"""Heads of HTTP/1.1: what is read, what is refused with a sentence, what is written."""

from __future__ import annotations

import asyncio

import pytest

from pytomo_scrapy.lab.http.request_heads import (
    HEAD_MAX_BYTES,
    BadRequest,
    RequestHead,
    parse_head,
    read_head,
    response_head,
)


def read(*pieces: bytes) -> RequestHead | None:
    """Read one head from a connection that brings these pieces and is then closed by the client."""

    async def main() -> RequestHead | None:
        reader = asyncio.StreamReader(limit=HEAD_MAX_BYTES)
        for piece in pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        return await read_head(reader)

    return asyncio.run(main())


def test_head_in_pieces_is_one_head() -> None:
    head = read(
        b"GET /a%20b?id=x&id=y&e= HTTP/1.1\r\nHost: Rr1.Example:44", b"43\r\nRange:  bytes=0- \r\n\r\n", b"rest"
    )
    assert head is not None
    assert (head.method, head.path, head.query) == ("GET", "/a%20b", {"id": "y", "e": ""})
    assert (head.host, head.headers["range"], head.keeps_alive) == ("rr1.example", "bytes=0-", True)


@pytest.mark.parametrize("nothing", [b"", b"\r\n"])
def test_head_of_a_connection_that_the_client_closed_is_none(nothing: bytes) -> None:
    assert read(nothing) is None


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"GET / HTTP/1.1\r\nHost: h", "no end"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_MAX_BYTES + b"\r\n\r\n", "too long"),
        (b"nonsense\r\n\r\n", "not HTTP/1.1"),
        (b"GET / HTTP/2\r\n\r\n", "not HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "no colon"),
    ],
)
def test_head_that_cannot_be_read_is_refused_with_a_sentence(raw: bytes, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        read(raw)


@pytest.mark.parametrize(
    ("version", "connection", "keeps_alive"),
    # Source: RFC 9112, 9.3.
    [("1.1", "", True), ("1.1", "Close", False), ("1.0", "", False), ("1.0", "Keep-Alive", True)],
)
def test_head_says_whether_the_connection_is_kept(version: str, connection: str, keeps_alive: bool) -> None:
    head = parse_head(f"GET / HTTP/{version}\r\nConnection: {connection}\r\n\r\n".encode())
    assert head.keeps_alive is keeps_alive


@pytest.mark.parametrize(("status", "phrase"), [(206, b"Partial Content"), (299, b"Unknown")])
def test_response_head_is_written_with_its_empty_line(status: int, phrase: bytes) -> None:
    assert response_head(status, [("A", "b")]) == b"HTTP/1.1 %d %s\r\nA: b\r\n\r\n" % (status, phrase)
