"""A lab whose service damages a share of its answers. Run by its benchmarks, in a process of its own."""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from benchmarks.hostile.values import damaged, encode
from pytomo_scrapy.lab import servers
from pytomo_scrapy.lab.http.service_messages import Request, Response
from pytomo_scrapy.lab.launcher import Lab, running_lab
from pytomo_scrapy.lab.model import World
from pytomo_scrapy.lab.service.answers import Service
from pytomo_scrapy.lab.service.player_api import PlayerApi

_EMBEDDED = re.compile(rb"(var ytInitial(?:Data|PlayerResponse) = )(\{.*?\})(;</script>)", re.DOTALL)
_HEADERS = (
    ("Retry-After", "99999999999999999999"),
    ("Retry-After", "Thu, 99 Foo 99999 25:61:61 GMT"),
    ("Date", "yesterday"),
    ("Set-Cookie", "a=b; expires=Mon, 99 Jan 99999 00:00:00 GMT; max-age=x"),
    ("Content-Language", "\xff\xfe"),
    ("Last-Modified", "-1"),
)


@dataclass(frozen=True, slots=True)
class Hostility:
    """What share of the answers is damaged, from which seed, and where it is written down."""

    seed: int
    share: float
    log: str


class HostileService(Service):
    """Answers as the lab's service does, and damages some of it."""

    def __init__(self, world: World, player: PlayerApi, hostility: Hostility) -> None:
        super().__init__(world, player)
        self._hostility = hostility
        self._number = 0

    def answer(self, request: Request) -> Response:
        """Answer; which answers are damaged follows from the seed and their number alone."""
        whole = super().answer(request)
        self._number += 1
        random = Random(f"{self._hostility.seed}:{self._number}")
        if random.random() > self._hostility.share or request.path == "/robots.txt":
            return whole
        answer, done = damaged_response(whole, random)
        with Path(self._hostility.log).open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{self._number} {request.method} {request.host}{request.path}: {'; '.join(done)}\n")
        return answer


def damaged_response(whole: Response, random: Random) -> tuple[Response, list[str]]:
    """Return an answer with something damaged, and in words what."""
    kind = random.random()
    if kind < 0.05:
        header = random.choice(_HEADERS)
        status = random.choice([whole.status, whole.status, 429, 503])
        return replace(whole, status=status, headers=(*whole.headers, header)), [f"{status}, {header[0]}: {header[1]}"]
    if kind < 0.12:
        return _cut(whole, random)
    try:
        if whole.content_type.startswith("application/json"):
            answer, done = damaged(json.loads(whole.body), random)
            return replace(whole, body=encode(answer)), done
        if match := _EMBEDDED.search(whole.body):
            answer, done = damaged(json.loads(match[2]), random)
            body = whole.body[: match.start(2)] + encode(answer).replace(b"</", b"<\\/") + whole.body[match.end(2) :]
            return replace(whole, body=body), done
    except (ValueError, RecursionError) as error:  # an answer that was refused by chance
        return whole, [f"nothing: {error}"]
    return _cut(whole, random)


def _cut(whole: Response, random: Random) -> tuple[Response, list[str]]:
    end = random.randrange(len(whole.body) + 1)
    filler = random.choice(
        [b"", b"\0" * 5000, b"/" * 400_000, b"<script>" * 50_000, b"\xff\xfe\xfd" * 1000, b"{" * 20_000]
    )
    return replace(whole, body=whole.body[:end] + filler), [f"cut at {end}, then {len(filler)} bytes of {filler[:3]!r}"]


def _serve(hostility: Hostility, options: servers.LabOptions, connection: Connection, directory: str) -> None:
    # The lab has one service. This one is the benchmark's.
    servers.Service = lambda world, player: HostileService(world, player, hostility)  # type: ignore[assignment,misc]
    servers.serve_lab(options, connection, directory)


def hostile_lab(options: servers.LabOptions, hostility: Hostility) -> AbstractContextManager[Lab]:
    """Run a lab with a hostile service while the block lasts."""
    return running_lab(options, partial(_serve, hostility))
