"""The lab's SABR server by itself: what it sends for what is asked, read by the measuring client's reader."""

from __future__ import annotations

import itertools
from dataclasses import replace

import protobug
import pytest

from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.sabr.behaviours import BEHAVIOURS
from pytomo_scrapy.lab.sabr.sabr_answers import (
    BACKOFF_MS,
    LAST_MODIFIED,
    SabrMedia,
    ServedFile,
    answer_request,
    choose_file,
)
from pytomo_scrapy.lab.sabr.segment_list import read_segments
from pytomo_scrapy.lab.sabr.server_messages import (
    AskedContext,
    AskedRange,
    AskedState,
    EchoedContext,
    FormatName,
    SabrAsked,
)
from pytomo_scrapy.measure.sabr.messages import (
    ContextUpdate,
    FormatInitialization,
    MediaHeader,
    NextRequestPolicy,
    PlaybackStartPolicy,
    ProtectionStatus,
    SabrErrorPart,
    SabrRedirect,
    read_message,
)
from pytomo_scrapy.measure.sabr.sabr_errors import BodyCut
from pytomo_scrapy.measure.sabr.ump import ControlPart, MediaPiece, UmpReader

VIDEO, AUDIO = FormatName(134, LAST_MODIFIED), FormatName(140, LAST_MODIFIED)
KINDS = {20: MediaHeader, 35: NextRequestPolicy, 42: FormatInitialization, 43: SabrRedirect, 44: SabrErrorPart}
KINDS |= {47: PlaybackStartPolicy, 57: ContextUpdate, 58: ProtectionStatus}


def media(behaviour: str = "plain", clip: str = "separate_40", redirect_url: str | None = None) -> SabrMedia:
    files = []
    for stream in load_clip(clip).streams:
        content = memoryview(stream.path.read_bytes())
        index = read_segments(stream, content)
        assert index is not None
        files.append(ServedFile(stream, content, index))
    return SabrMedia("abcdefghijk", tuple(files), BEHAVIOURS[behaviour], redirect_url)


def request(playhead_ms: int = 0, *, had_ms: int = 0, selected: bool = False, **more: object) -> SabrAsked:
    """Return a request that has the media up to `had_ms`."""
    ranges = [AskedRange(name, 0, had_ms) for name in (VIDEO, AUDIO)] if had_ms else []
    asked = SabrAsked(
        AskedState(player_time_ms=playhead_ms), [VIDEO, AUDIO] if selected else [], ranges, b"config", [AUDIO], [VIDEO]
    )
    return replace(asked, **more)  # type: ignore[type-var]


class Read:
    """An answer, part by part."""

    def __init__(self, body: bytes) -> None:
        reader = UmpReader(set(range(256)) - {21})
        self.parts = reader.feed(body)
        reader.finish()
        self.kinds = [part.kind if isinstance(part, ControlPart) else 21 for part in self.parts]

    def all(self, kind: int) -> list[object]:
        bodies = [part.body for part in self.parts if isinstance(part, ControlPart) and part.kind == kind]
        return [read_message(KINDS[kind], body) for body in bodies]

    @property
    def headers(self) -> list[MediaHeader]:
        return self.all(20)  # type: ignore[return-value]

    def bytes_of(self, header: MediaHeader) -> bytes:
        """Return the media under a header's number; the first header of each number, in the tests."""
        pieces = [part for part in self.parts if isinstance(part, MediaPiece)]
        return b"".join(piece.body for piece in pieces if piece.header_id == header.header_id)


def answer(asked: SabrAsked, behaviour: str = "plain", now_s: float = 100.0, **more: str) -> Read:
    found = answer_request(protobug.dumps(asked), media(behaviour, **more), now_s)
    assert found.status == 200 and not found.is_cut
    return Read(found.body)


def test_cold_start_sends_both_init_segments_and_the_segments_of_the_readahead() -> None:
    read = answer(request())
    assert read.kinds[:4] == [47, 58, 52, 35]
    assert [told.format_id.itag for told in read.all(42)] == [134, 140]  # type: ignore[attr-defined]
    inits = [header for header in read.headers if header.is_init_segment]
    clip = load_clip("separate_40")
    for header, stream in zip(inits, clip.streams, strict=True):
        assert stream.index_range is not None
        assert read.bytes_of(header) == stream.path.read_bytes()[: stream.index_range[1] + 1]
    starts = [(header.itag, header.start_ms) for header in read.headers if not header.is_init_segment]
    # 15 s ahead of 0, in segments of 4 s: those that begin before it, both tracks by media time.
    assert [start for itag, start in starts if itag == 134] == [0, 4000, 8000, 12_000]
    assert [start for _, start in starts] == sorted(start for _, start in starts)


def test_segments_are_the_bytes_of_the_file_at_their_offset() -> None:
    read = answer(request(12_000, had_ms=16_000, selected=True))
    for header in read.headers:
        stream = load_clip("separate_40").stream(header.itag or 0)
        assert stream is not None and header.start_range is not None and header.content_length is not None
        content = stream.path.read_bytes()[header.start_range : header.start_range + header.content_length]
        assert read.bytes_of(header) == content


def test_init_is_left_out_where_the_request_claims_it() -> None:
    read = answer(request(selected=True))
    assert read.all(42) == [] and not any(header.is_init_segment for header in read.headers)


def test_nothing_but_policy_is_sent_where_enough_is_ahead() -> None:
    read = answer(request(1000, had_ms=16_000, selected=True))
    assert 20 not in read.kinds
    (policy,) = read.all(35)
    assert policy.backoff_time_ms == BACKOFF_MS  # type: ignore[attr-defined]


def test_end_of_the_video_sends_nothing() -> None:
    assert 20 not in answer(request(39_900, had_ms=40_100, selected=True)).kinds


def test_redirect_error_and_reload_are_parts_of_their_own() -> None:
    (told,) = answer(request(), redirect_url="https://other.example/v").all(43)
    assert told.url == "https://other.example/v"  # type: ignore[attr-defined]
    late = request(8000, had_ms=8000, selected=True)
    assert answer(late, "error").all(44) == [SabrErrorPart("sabr.no_media", 7)]
    assert answer(late, "reload").kinds == [46]
    assert answer(request(), "error").kinds.count(20) > 2  # not yet reached


@pytest.mark.parametrize(("behaviour", "status"), [("gate", 3), ("pending", 2), ("withheld", 1)])
def test_media_are_withheld_from_their_time_on(behaviour: str, status: int) -> None:
    read = answer(request(8000, had_ms=12_000, selected=True), behaviour)
    assert 20 not in read.kinds
    assert read.all(58)[0].status == status  # type: ignore[attr-defined]


def test_request_without_configuration_is_an_error() -> None:
    assert answer(request(config=b"")).kinds == [44]


def test_body_that_is_no_message_is_refused() -> None:
    assert answer_request(b"\xff", media(), 0.0).status == 400


def test_advertisement_ends_when_its_time_is_over_and_its_context_came_back() -> None:
    first = answer(request(), "ad", now_s=100.0)
    (told,) = first.all(57)
    assert isinstance(told, ContextUpdate) and told.type is not None and told.value is not None
    assert 20 not in first.kinds and first.all(35)[0].backoff_time_ms == 4000  # type: ignore[attr-defined]
    echo = AskedContext(contexts=[EchoedContext(told.type, told.value)])
    # Too early: the rest is still to be waited for. Without the echo it begins anew.
    assert answer(request(context=echo), "ad", 103.0).all(35)[0].backoff_time_ms == 1000  # type: ignore[attr-defined]
    assert 57 in answer(request(), "ad", 104.5).kinds
    assert 20 in answer(request(context=echo), "ad", 104.5).kinds


def test_cut_answer_ends_inside_media() -> None:
    found = answer_request(protobug.dumps(request()), media("cut"), 0.0)
    assert found.is_cut
    with pytest.raises(BodyCut):
        Read(found.body)


def test_odd_answer_has_unknown_parts_long_numbers_and_media_in_turn() -> None:
    read = answer(request(), "odd")
    assert 99 in read.kinds and read.kinds[0] == 47
    order = [part.header_id for part in read.parts if isinstance(part, MediaPiece)]
    changes = sum(before != after for before, after in itertools.pairwise(order))
    assert changes > 50  # a plain answer changes once for each segment
    # A longer number than needed: 47 in two bytes.
    body = answer_request(protobug.dumps(request()), media("odd"), 0.0).body
    assert body[:2] == bytes([0x80 | 47, 0])


@pytest.mark.parametrize(
    ("estimate_bps", "itag"),
    [(0, 160), (100_000, 160), (800_000, 134), (1_600_000, 135), (10_000_000, 137)],
)
def test_quality_follows_the_reported_estimate(estimate_bps: int, itag: int) -> None:
    ladder = [FormatName(itag) for itag in (160, 133, 134, 135, 136, 137)]
    found = choose_file(media(clip="ladder_60").files, ladder, AskedState(bandwidth=estimate_bps // 8))
    assert found is not None and found.stream.itag == itag


def test_pinned_quality_is_sent_whatever_the_estimate() -> None:
    found = choose_file(media(clip="ladder_60").files, [FormatName(135)], AskedState(bandwidth=1))
    assert found is not None and found.stream.itag == 135


def test_switch_goes_on_where_the_other_quality_ended() -> None:
    asked = request(8000, had_ms=12_000, selected=True, video=[FormatName(134), FormatName(135)])
    asked = replace(asked, state=AskedState(player_time_ms=8000, bandwidth=10**7))
    read = answer(asked, clip="ladder_60")
    assert [told.format_id.itag for told in read.all(42)] == [135]  # type: ignore[attr-defined]
    segments = [header for header in read.headers if header.itag == 135 and not header.is_init_segment]
    assert segments[0].start_ms == 12_000 and segments[0].sequence_number == 4
