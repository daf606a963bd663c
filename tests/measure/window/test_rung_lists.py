"""The lists of segments that are read before an adaptive window: heads of files, playlists, and what leaves one out."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.window.rung_lists import HEAD_BYTES, ListCost, read_lists
from tests.measure.window.window_media import FILE, INIT_BYTES, box
from tests.measure.window.window_servers import Request, Server

pytestmark = pytest.mark.process

ANY = DownloadConfig(path=PathConfig(is_private_allowed=True))
PLAYLIST = b"#EXTM3U\n#EXTINF:4,\n0.ts\n#EXTINF:4,\n1.ts\n#EXT-X-ENDLIST\n"
# An index that begins behind the first bytes that are asked for.
LATE = box(b"ftyp", b"isom" + bytes(4)) + box(b"free", bytes(3 * HEAD_BYTES)) + FILE[16:]


def handle(connection: socket.socket, request: Request) -> None:
    files = {"/file": FILE, "/late": LATE, "/page": b"<html>" * 1000}
    name = request.target.rpartition("/")[0] or request.target
    if request.target == "/list.m3u8":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PLAYLIST) + PLAYLIST)
    elif name not in files or request.range is None:
        connection.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    else:
        first, last = request.range
        body = files[name][first : last + 1]
        head = f"HTTP/1.1 206 OK\r\nContent-Length: {len(body)}\r\nContent-Range: bytes {first}-{last}/9\r\n\r\n"
        connection.sendall(head.encode() + body)


@pytest.fixture
def server() -> Iterator[Server]:
    opened = Server(handle)
    yield opened
    opened.close()


def quality(
    server: Server, path: str, rate_bps: float = 1e5, delivery: str = "file", kind: str = "video"
) -> MediaFormat:
    url = f"http://127.0.0.1:{server.port}{path}"
    return MediaFormat(kind, path, url, "127.0.0.1", server.port, declared_bitrate_bps=rate_bps, delivery=delivery)


def test_heads_of_files_and_playlists_give_the_ladder(server: Server) -> None:
    offered = [quality(server, "/file", 2e5), quality(server, "/list.m3u8", 1e5, "hls"), quality(server, "/late", 3e5)]
    live, cost = read_lists(offered, {}, ANY, "dashjs-adaptive")
    assert live is not None and live.player == "dashjs-adaptive"
    assert [(track.format_id, len(track.segments)) for track in live.ladder.video] == [
        ("/list.m3u8", 2), ("/file", 20), ("/late", 20),
    ]  # fmt: skip
    # One step for the file, three for the one whose index lies behind 12 kB: 4 kB, 8 kB in all, 16 kB in all.
    assert cost == ListCost(HEAD_BYTES + len(PLAYLIST) + 4 * HEAD_BYTES, request_count=5)
    header = live.rungs["video"][1].header
    assert header is not None and header.end_byte == INIT_BYTES


@pytest.mark.parametrize("path", ["/missing", "/page"])
def test_quality_whose_list_cannot_be_had_is_left_out(server: Server, path: str) -> None:
    live, _ = read_lists([quality(server, path), quality(server, "/file")], {}, ANY, "dashjs-adaptive")
    assert live is not None and [track.format_id for track in live.ladder.video] == ["/file"]


def test_without_a_picture_there_is_nothing_to_choose_from(server: Server) -> None:
    assert read_lists([quality(server, "/missing")], {}, ANY, "x")[0] is None
    assert read_lists([quality(server, "/file", kind="audio")], {}, ANY, "x")[0] is None
    assert read_lists([], {}, ANY, "x") == (None, ListCost())


def test_no_list_is_read_from_a_private_address(server: Server) -> None:
    offered = [quality(server, "/file"), quality(server, "/list.m3u8", delivery="hls")]
    live, cost = read_lists(offered, {}, DownloadConfig(), "x")
    assert live is None and cost.received_bytes == 0
    assert server.connection_count == 0
