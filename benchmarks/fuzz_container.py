"""Feed the container reader mutated and cut files of every kind of the lab, in processes of their own.

Reports crashes (a process that died), hangs (an input that took longer than --slow-s), the memory taken, and inputs
whose media time exceeds that of the undamaged file: damage may hide media, never make any. The inputs follow from
--seed alone, so that any of them can be made again.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.hostile.batches import Bounds, Teller, main
from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.measure.media.timeline import read_timeline

CLIPS = ("muxed_20", "muxed_index_last_40", "separate_20", "webm_40", "flv_20", "mpegts_20")
# (ending, format, codecs) of the containers that the lab does not serve.
OTHERS: tuple[tuple[str, str, str | None, str], ...] = (
    ("mkv", "matroska", "libx264", "aac"),
    ("m2ts", "mpegts", "libx264", "aac"),
    ("avi", "avi", "mpeg4", "mp3"),
    ("mpg", "mpeg", "mpeg2video", "mp2"),
    ("ogg", "ogg", None, "libopus"),
    ("mp3", "mp3", None, "mp3"),
    ("aac", "adts", None, "aac"),
    ("wav", "wav", None, "pcm_s16le"),
    ("flac", "flac", None, "flac"),
)
BARE_ENDINGS = (".mp3", ".aac", ".wav", ".flac")
PICTURES_PER_S, OTHERS_S = 25, 10
INPUT_BYTES = 400_000  # of each clip: enough for headers, index and several fragments, and quick to read
EXCESS_S = 0.2  # headers round, and the end of the last packet may be told by either of two boxes
BATCH = 250  # inputs a process handles before its memory is read and a fresh one starts


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A file that inputs are made of, and how long its media are: what its packets say when it is whole."""

    name: str
    kind: str
    content: bytes
    media_s: float

    def repeated_s(self, input_bytes: int) -> float:
        """Return how much more there is to play: frames without a container that stand twice are media twice."""
        is_bare = self.name.endswith(BARE_ENDINGS)
        return max(0, input_bytes / len(self.content) - 1) * self.media_s if is_bare else 0.0


def seeds(limit_bytes: int = INPUT_BYTES) -> list[SeedFile]:
    """Return one file of every kind."""
    files = []
    for name in CLIPS:
        for stream in load_clip(name).streams:
            content = stream.path.read_bytes()
            # A file whose index is last keeps its end, with the middle cut out: else no input would ever have an index.
            kept = content if "index_last" in name else content[:limit_bytes]
            files.append(SeedFile(f"{name}/{stream.kind}", stream.kind, kept, longest_s(stream.path)))
    with tempfile.TemporaryDirectory() as folder:
        for path in encode_others(Path(folder)):
            files.append(SeedFile(path.name, "muxed", path.read_bytes()[:limit_bytes], longest_s(path)))
    return files


def longest_s(path: Path) -> float:
    """Return the longest presentation of any stream of a whole file, from its packets, seconds."""
    spans: dict[int, tuple[float, float]] = {}
    with av.open(str(path)) as media:
        for packet in media.demux():
            if packet.pts is None or not packet.size:
                continue
            start_s = float(packet.pts * packet.time_base)
            first_s, last_s = spans.get(packet.stream_index, (start_s, start_s))
            end_s = start_s + float((packet.duration or 0) * packet.time_base)
            spans[packet.stream_index] = min(first_s, start_s), max(last_s, end_s)
    return max(last_s for _, last_s in spans.values()) - min(first_s for first_s, _ in spans.values())


def encode_others(folder: Path) -> list[Path]:
    """Encode a clip for each container that the lab does not serve; pictures are reordered where the codec can."""
    paths = []
    for ending, container, video_codec, audio_codec in OTHERS:
        paths.append(folder / f"clip.{ending}")
        with av.open(str(paths[-1]), "w", format=container) as output:
            streams: list[Any] = []
            if video_codec is not None:
                streams.append(output.add_stream(video_codec, rate=PICTURES_PER_S))
                streams[0].width, streams[0].height, streams[0].pix_fmt, streams[0].gop_size = 128, 72, "yuv420p", 25
                streams[0].options = {"bf": "2", "b_strategy": "0", "x264-params": "b-adapt=0:threads=1"}
            streams.append(output.add_stream(audio_codec, rate=48000, layout="mono"))
            for number in range(PICTURES_PER_S * OTHERS_S):
                if video_codec is not None:
                    output.mux(streams[0].encode(picture(number)))
                output.mux(streams[-1].encode(sound(number)))
            for stream in streams:
                output.mux(stream.encode(None))
    return paths


def picture(number: int) -> av.VideoFrame:
    """Return a picture that differs from those around it."""
    frame = av.VideoFrame(128, 72, "yuv420p")
    for plane in frame.planes:
        plane.update(random.Random(number).randbytes(64) * (plane.buffer_size // 64))
    frame.pts, frame.time_base = number, Fraction(1, PICTURES_PER_S)
    return frame


def sound(number: int) -> av.AudioFrame:
    """Return the sound of one picture."""
    samples = 48000 // PICTURES_PER_S
    frame = av.AudioFrame("s16", "mono", samples)
    frame.sample_rate, frame.pts, frame.time_base = 48000, number * samples, Fraction(1, 48000)
    frame.planes[0].update(random.Random(number).randbytes(frame.planes[0].buffer_size))
    return frame


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Damage a file as networks, disks and attackers do."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        if not data:
            break
        # Half of all damage goes to the head, where the structure is.
        place = rng.randrange(min(len(data), 4096)) if rng.random() < 0.5 else rng.randrange(len(data))
        kind = rng.randrange(8)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:  # a length or a count gone wild
            data[place : place + 4] = rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, rng.getrandbits(32))).to_bytes(4, "big")
        elif kind == 3:
            del data[place : place + rng.choice((1, 4, 188, 5000))]
        elif kind == 4:
            data[place:place] = rng.randbytes(rng.choice((1, 4, 188)))
        elif kind == 5:  # structure repeated
            data[place:place] = data[place : place + rng.choice((8, 100, 2000))]
        elif kind == 6:
            other = rng.randrange(len(data))
            data[place : place + 64] = data[other : other + 64]
        else:
            del data[place:]
    return bytes(data)


def make_input(number: int, files: list[SeedFile], seed: int) -> tuple[SeedFile, str, bytes, int | None, float | None]:
    """Return input `number`: its file, kind, bytes, and the size and duration that the service would declare."""
    rng = random.Random(f"{seed}:{number}")
    file = files[number % len(files)]
    content = file.content
    damaged = content[: rng.randrange(len(content) + 1)] if rng.random() < 0.25 else mutate(content, rng)
    size_bytes = rng.choice((len(damaged), len(content), len(content) * 3, None))
    kind = rng.choice((file.kind, "muxed", "video", "audio"))
    return file, kind, damaged, size_bytes, rng.choice((file.media_s, None))


def read_batch(first: int, count: int, seed: int, teller: Teller) -> None:
    """Read inputs `first` to `first + count`."""
    files = seeds()
    peak_kb()  # of the encoding
    before_kb = peak_kb()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        for number in range(first, first + count):
            file, kind, content, size_bytes, declared_s = make_input(number, files, seed)
            path.write_bytes(content)
            teller.begins(file.name)
            start = time.monotonic()
            timeline = read_timeline(
                str(path), kind, len(content), size_bytes, declared_duration_s=declared_s, budget_s=5.0
            )
            check(timeline, max(len(content), size_bytes or 0))
            elapsed_s = time.monotonic() - start
            grown_kb = peak_kb() - before_kb
            excess_s = max(timeline.complete_s, default=0.0) - file.media_s - file.repeated_s(len(content))
            announced = "" if declared_s is not None else ", duration not announced"
            excess = f"{excess_s:.2f} s too much{announced}" if excess_s > EXCESS_S else ""
            teller.done(timeline.failure or timeline.method, elapsed_s, grown_kb, excess)


def peak_kb() -> int:
    """Return the most memory that this process had since the last call, kB."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak begins anew
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def check(timeline: Any, received_bytes: int) -> None:
    """Raise AssertionError where a result breaks what every timeline promises."""
    assert timeline.failure is None or timeline.failure in FAILURES, timeline.failure
    assert len(timeline.offset_bytes) == len(timeline.complete_s)
    assert list(timeline.offset_bytes) == sorted(set(timeline.offset_bytes))
    assert list(timeline.complete_s) == sorted(timeline.complete_s)
    assert not timeline.offset_bytes or timeline.offset_bytes[-1] <= max(received_bytes, 1)
    assert all(0 <= value < 1e6 for value in timeline.complete_s)


if __name__ == "__main__":
    main(read_batch, Bounds(BATCH, slow_s=5.0), __doc__, seeds)
