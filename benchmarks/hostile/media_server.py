"""A media server on loopback whose every answer is damaged in a way of its own: head, body, framing, end."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

MOST_BODY_BYTES = 4 * 1024 * 1024
_SILENT_S = 1.5  # longer than any window here
_RESET = struct.pack("ii", 1, 0)

_STATUSES = (
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 206 Partial Content", b"HTTP/1.1 200 OK", b"HTTP/1.1 206 Partial Content"),
    *(
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 302 Found",
        b"HTTP/1.1 307 Temporary Redirect",
        b"HTTP/1.1 304 Not Modified",
    ),
    *(
        b"HTTP/1.1 403 Forbidden",
        b"HTTP/1.1 404 Not Found",
        b"HTTP/1.1 416 Range Not Satisfiable",
        b"HTTP/1.1 429 Too Many",
    ),
    *(
        b"HTTP/1.1 500 Error",
        b"HTTP/1.1 503 Service Unavailable",
        b"HTTP/1.1 999 What",
        b"HTTP/1.1 -1 Minus",
        b"HTTP/1.1 000",
    ),
    *(
        b"HTTP/1.0 200 OK",
        b"HTTP/9.9 200 OK",
        b"HTTP/1.1 abc",
        b"HTTP/1.1",
        b"ICY 200 OK",
        b"",
        b"\0\0\0",
        b"SSH-2.0-x",
    ),
    *(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 100 Continue\r\n\r\n" * 500 + b"HTTP/1.1 200 OK"),
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 206 Partial Content",
)
_NAMES = (
    *(b"Content-Length", b"Content-Range", b"Content-Type", b"Content-Encoding", b"Transfer-Encoding", b"Location"),
    *(b"Retry-After", b"Date", b"Age", b"Connection", b"Accept-Ranges", b"Set-Cookie", b"Cache-Control", b"Server"),
    *(
        b"Alt-Svc",
        b"Strict-Transport-Security",
        b"Content-Disposition",
        b"Trailer",
        b"Upgrade",
        b"Last-Modified",
        b"X-Any",
    ),
)
_VALUES = (
    *(
        b"",
        b" ",
        b"0",
        b"-1",
        b"1",
        b"151059",
        b"99999999999999999999999999",
        b"1e9",
        b"0x10",
        b"1.5",
        b"NaN",
        b"\xff\xfe",
    ),
    *(b"text/html", b"text/plain; charset=x", b"video/mp4", b"application/json", b"multipart/byteranges; boundary=a"),
    *(b"gzip", b"br, gzip", b"identity", b"deflate", b"zstd", b"chunked", b"chunked, chunked", b"gzip, chunked"),
    *(
        b"bytes 0-1/2",
        b"bytes 0-99999999999999999999/*",
        b"bytes */151059",
        b"bytes 5-1/3",
        b"bytes",
        b"items 0-1/2",
        b"bytes */*",
    ),
    *(b"close", b"keep-alive", b"upgrade", b"h2c", b"Thu, 99 Foo 99999 25:61:61 GMT", b"0000-00-00", b"yesterday"),
    *(
        b"a" * 1000,
        b"a" * 90_000,
        b"x" * 200_000,
        b"a=b; expires=Mon, 99 Jan 99999 00:00:00 GMT",
        b"\t\x0b\x0c",
        b"%00%0d%0a",
    ),
)
_LOCATIONS = (
    *(
        b"",
        b"/",
        b"?",
        b"#",
        b"//",
        b"/again",
        b"http://",
        b"https://[::1",
        b"http://[::1]:1/",
        b"http://127.0.0.1:1/x",
    ),
    *(
        b"file:///etc/passwd",
        b"javascript:1",
        b"http://999.1.1.1/",
        b"http://\xc3\xa9.test/",
        b"http://a:b@127.0.0.1:1/",
    ),
    *(
        b"http://127.0.0.1:99999/",
        b"ftp://127.0.0.1/",
        b"/" * 60_000,
        b"http://" + b"a" * 300 + b".test/",
        b"h ttp://x/ y",
    ),
    *(b"gopher://127.0.0.1:1/", b"data:video/mp4;base64,AAAA", b"HTTP://127.0.0.1:1/", b"http://nowhere.invalid/v.mp4"),
)


@dataclass(frozen=True, slots=True)
class HostileAnswer:
    """The bytes of an answer in portions, a pause before each of them, and how the connection ends."""

    portions: tuple[bytes, ...]
    pause_s: float = 0.0
    ending: str = "close"  # or "reset", "silence", "keep"
    words: tuple[str, ...] = field(default=())


def make_answer(bodies: Sequence[bytes], random: Random) -> HostileAnswer:
    """Draw an answer; `bodies` are whole media files and pages."""
    body = random.choice(bodies)
    words, headers = list[str](), {b"Content-Type": b"video/mp4", b"Content-Length": str(len(body)).encode()}
    status = _STATUSES[random.randrange(2)]
    if status.startswith(b"HTTP/1.1 206"):
        headers[b"Content-Range"] = b"bytes 0-%d/%d" % (len(body) - 1, len(body))
    lines = list[bytes]()
    for _ in range(random.choice([1, 1, 2, 4])):
        status, body, told = _damage(status, headers, body, lines, random)
        words.append(told)
    head = (
        status + b"\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in headers.items()) + b"".join(lines)
    )
    if headers.get(b"Transfer-Encoding") == b"chunked":
        body = _chunked(body, random)
    raw = head + b"\r\n" + body
    portions, pause_s = (raw,), 0.0
    if random.random() < 0.2:
        size = random.choice([1, 7, 1000, 20_000])
        count = min(len(raw) // size + 1, 40)
        portions = (*(raw[at * size : (at + 1) * size] for at in range(count)), raw[count * size :])
        pause_s = random.choice([0.0, 0.002, 0.02])
    ending = random.choice(["close", "close", "close", "reset", "silence", "keep"])
    return HostileAnswer(portions, pause_s, ending, (*words, ending))


def _damage(
    status: bytes, headers: dict[bytes, bytes], body: bytes, lines: list[bytes], random: Random
) -> tuple[bytes, bytes, str]:
    kind = random.randrange(8)
    if kind == 0:
        status = random.choice(_STATUSES)
        if status[9:10] == b"3":
            headers[b"Location"] = random.choice(_LOCATIONS)
        return status, body, f"status {status[:30]!r}"
    if kind in (1, 2):
        name, value = random.choice(_NAMES), random.choice(_VALUES)
        headers[name] = value
        return status, body, f"{name.decode()}: {value[:30]!r}"
    if kind == 3:
        lines += [random.choice(_NAMES) + b": " + random.choice(_VALUES) + b"\r\n"] * random.choice([1, 2, 300])
        return status, body, "repeated headers"
    if kind == 4:
        lines.append(
            random.choice(
                [
                    b"no colon\r\n",
                    b": no name\r\n",
                    b" folded\r\n",
                    b"\0: x\r\n",
                    b"a: b\n",
                    b"\r\r\n",
                    b"\xff" * 70_000,
                ]
            )
        )
        return status, body, "broken header line"
    if kind == 5:
        headers.pop(random.choice([b"Content-Length", b"Content-Type"]), None)
        return status, body, "a header left out"
    body, told = _damaged_body(body, random)
    if random.random() < 0.5:
        headers[b"Content-Length"] = str(len(body)).encode()
    return status, body, told


def _damaged_body(body: bytes, random: Random) -> tuple[bytes, str]:
    changes: tuple[tuple[str, Callable[[], bytes]], ...] = (
        ("cut", lambda: body[: random.randrange(len(body) + 1)]),
        ("empty", lambda: b""),
        ("longer", lambda: body + random.randbytes(random.choice([1, 5000]))),
        ("noise", lambda: random.randbytes(5000)),
        ("zeros", lambda: bytes(MOST_BODY_BYTES)),
        ("packed", lambda: gzip.compress(bytes(MOST_BODY_BYTES))),
        ("a page", lambda: b"<!DOCTYPE html><html>Sorry</html>" * random.choice([1, 20_000])),
        ("bits", lambda: bytes(byte ^ (random.random() < 0.001) << random.randrange(8) for byte in body[:60_000])),
        ("head doubled", lambda: body[:2000] + body),
    )
    told, change = random.choice(changes)
    return change()[:MOST_BODY_BYTES], told


def _chunked(body: bytes, random: Random) -> bytes:
    size = random.choice([b"%x" % len(body), b"ffffffffffffffff", b"-1", b"zz", b"", b"%x;" % len(body) + b"e" * 5000])
    return (
        size
        + b"\r\n"
        + body
        + b"\r\n"
        + random.choice([b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"", b"0\r\n" + b"T: x\r\n" * 5000])
    )


class HostileMediaServer:
    """Serves one answer to every request until another one is put in its place."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.answer = HostileAnswer(())
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, self.answer), daemon=True).start()

    def _serve(self, connection: socket.socket, answer: HostileAnswer) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(_SILENT_S)
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                head += more
            for portion in answer.portions:
                connection.sendall(portion)
                time.sleep(answer.pause_s)
            if answer.ending == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif answer.ending != "close":
                connection.recv(1)  # until the client gives up
