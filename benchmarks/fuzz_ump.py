"""Feed the SABR session mutated and cut answers, in processes of their own.

Reports crashes (a process that died, or an exception that is no `SabrFailure`), answers that took longer than --slow-s,
and the memory taken. Answers are those of the lab's server to every kind of request, damaged as networks, disks and
attackers do: bits, cuts, lengths gone wild, parts repeated, moved and nested, numbers without an end. They arrive in
pieces of random sizes. The inputs follow from --seed alone, so that any of them can be made again.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import protobug

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.hostile.batches import Bounds, Teller, main
from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat, SabrSource
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.sabr.behaviours import BEHAVIOURS
from pytomo_scrapy.lab.sabr.sabr_answers import LAST_MODIFIED, SabrMedia, ServedFile, answer_request
from pytomo_scrapy.lab.sabr.segment_list import read_segments
from pytomo_scrapy.lab.sabr.server_messages import AskedRange, AskedState, FormatName, SabrAsked
from pytomo_scrapy.lab.sabr.ump_writer import ump_number, ump_part
from pytomo_scrapy.measure.sabr.sabr_errors import SabrFailure
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.sabr.sabr_session import SabrSession

CLIP = "separate_20"
BATCH = 500  # inputs a process handles before its memory is read and a fresh one starts
SEGMENT_BYTES = 3000
PIECES = (1, 7, 100, 16_384, 262_144)
KINDS = (20, 21, 22, 35, 42, 43, 44, 46, 47, 57, 58, 59, 99)
FORMATS = (SabrFormat(134, "video", LAST_MODIFIED), SabrFormat(140, "audio", LAST_MODIFIED))
SOURCE = SabrSource("https://m.example/v", "m.example", 443, "AAAA", SabrClient(101, "1.02"), FORMATS)


class Counting:
    """A track's sink: it counts."""

    def __init__(self) -> None:
        self.received_bytes = 0

    may_be_counted = True

    def receive(self, body: bytes) -> int | None:
        self.count(len(body))
        return None

    def count(self, body_bytes: int, at_s: float | None = None) -> None:
        self.received_bytes += body_bytes


def seeds() -> list[bytes]:
    """Return the lab's answers to the first request and to later ones, of every behaviour."""
    files = []
    for stream in load_clip(CLIP).streams:
        content = memoryview(stream.path.read_bytes())
        index = read_segments(stream, content)
        assert index is not None
        # Short segments: structure is what is damaged, and what costs time.
        short = tuple(
            replace(segment, start=segment.start, end=segment.start + SEGMENT_BYTES) for segment in index.segments
        )
        files.append(ServedFile(stream, content, replace(index, segments=short)))
    names = [FormatName(one.itag, one.last_modified) for one in FORMATS]
    bodies = []
    for behaviour in BEHAVIOURS.values():
        media = SabrMedia("abcdefghijk", tuple(files), behaviour, "https://other.example/v" if "redirect" in
                          behaviour.name else None)  # fmt: skip
        for had_ms in (0, 12_000):
            ranges = [AskedRange(name, 0, had_ms) for name in names] if had_ms else []
            asked = SabrAsked(AskedState(player_time_ms=had_ms), names if had_ms else [], ranges, b"c")
            asked.audio, asked.video = names[1:], names[:1]
            bodies.append(answer_request(protobug.dumps(asked), media, 0.0).body)
    return [body for body in bodies if body]


def hostile_part(rng: random.Random) -> bytes:
    """Return a part that no server of good will sends."""
    kind = rng.choice(KINDS)
    match rng.randrange(3):
        case 0:
            return ump_part(kind, rng.randbytes(rng.choice((0, 3, 90, 4000))))
        case 1:  # a message in a message in a message
            nested = b""
            for _ in range(rng.choice((3, 200, 5000))):
                nested = b"\x6a" + bytes([min(127, len(nested) + 2)]) + nested[:30_000]
            return ump_part(kind, nested[:32_000])
        case _:  # numbers without an end
            return ump_part(kind, b"\x08" + b"\xff" * rng.choice((11, 32_000)))


def mutate(body: bytes, rng: random.Random) -> bytes:
    """Damage an answer."""
    data = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        # Half of all damage goes to the head, where the structure is.
        place = rng.randrange(min(len(data), 600) or 1) if rng.random() < 0.5 else rng.randrange(len(data) or 1)
        kind = rng.randrange(9)
        if kind == 0 and data:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:  # a size or a count gone wild
            data[place : place + 5] = ump_number(rng.choice((0, 1, 2**31, 2**32 - 1, rng.getrandbits(32))), 5)
        elif kind == 2:
            del data[place : place + rng.choice((1, 4, 5000))]
        elif kind == 3:
            data[place:place] = rng.randbytes(rng.choice((1, 4, 300)))
        elif kind == 4:  # structure repeated
            data[place:place] = data[place : place + rng.choice((8, 100, 20_000))]
        elif kind == 5:
            del data[place:]
        else:
            data[place:place] = hostile_part(rng)
    return bytes(data)


def play(body: bytes, before: bytes, rng: random.Random) -> str:
    """Feed an answer to a session that has had another one, and say how it ended. Raises what is no `SabrFailure`."""
    tracks = {"video": Counting(), "audio": Counting()}
    session = SabrSession(SabrPlan(SOURCE, FORMATS), tracks, time.monotonic)
    piece = rng.choice(PIECES)
    try:
        for answer, size in ((before, 262_144), (body, piece)):
            session.request()
            for start in range(0, len(answer), size):
                session.feed(answer[start : start + size])
            session.end_answer(first_s=0.0, last_s=1.0)
            session.demand.look(time.monotonic())
        session.request()
    except SabrFailure as error:
        return type(error).__name__
    return "read"


def read_batch(first: int, count: int, seed: int, teller: Teller) -> None:
    """Play inputs `first` to `first + count`."""
    bodies = seeds()
    for number in range(first, first + count):
        rng = random.Random(f"{seed}:{number}")
        body = bodies[number % len(bodies)]
        damaged = body[: rng.randrange(len(body) + 1)] if rng.random() < 0.2 else mutate(body, rng)
        teller.begins("")
        # The processor's time: nothing is waited for, and others may be at work on the machine.
        start = time.process_time()
        result = play(damaged, bodies[0] if rng.random() < 0.5 else b"", rng)
        elapsed_s = time.process_time() - start
        teller.done(result, elapsed_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    # It encodes the clip once.
    main(read_batch, Bounds(BATCH, slow_s=1.0), __doc__, lambda: load_clip(CLIP))
