"""The session by itself: what it asks and when, what it keeps, and what ends it. The clock is the test's."""

from __future__ import annotations

import pytest

from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat, SabrSource
from pytomo_scrapy.measure.sabr.demand import Pause
from pytomo_scrapy.measure.sabr.messages import (
    ContextSendingPolicy,
    ContextUpdate,
    FormatId,
    FormatInitialization,
    NextRequestPolicy,
    SentContext,
    VideoPlaybackAbrRequest,
    read_message,
)
from pytomo_scrapy.measure.sabr.sabr_errors import BrokenBody, Gated, MediaWithheld
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.sabr.sabr_session import SabrSession
from tests.measure.sabr.ump_answers import (
    AUDIO,
    INIT_BYTES,
    SEGMENT_BYTES,
    VIDEO,
    header,
    initialised,
    media,
    number,
    part,
    policy,
    protection,
    segment,
    start_policy,
)

FORMATS = (
    SabrFormat(134, "video", 7, height_px=360, mime_type="video/mp4"),
    SabrFormat(140, "audio", 7, mime_type="audio/mp4"),
)
LADDER = (*FORMATS, SabrFormat(136, "video", 8, height_px=720, mime_type="video/mp4"))
HIGH = FormatId(136, 8)
SOURCE = SabrSource("https://m.example/v", "m.example", 443, "AAEC", SabrClient(101, "1.02", "Apple"), LADDER)


class Bytes:
    def __init__(self) -> None:
        self.data = b""

    @property
    def received_bytes(self) -> int:
        return len(self.data)

    def receive(self, body: bytes) -> int | None:
        self.data += body
        return None

    may_be_counted = False

    def count(self, body_bytes: int, at_s: float | None = None) -> None:
        raise AssertionError("every byte is to be handed over")


class Played:
    """A session and its clock; each answer comes whole, at one instant."""

    def __init__(self, *, is_server_choice: bool = False) -> None:
        self.now_s = 0.0
        self.bytes = {"video": Bytes(), "audio": Bytes()}
        plan = SabrPlan(SOURCE, FORMATS, is_server_choice)
        self.session = SabrSession(plan, self.bytes, lambda: self.now_s)

    def ask(self) -> VideoPlaybackAbrRequest:
        return read_message(VideoPlaybackAbrRequest, self.session.request())

    def answer(self, *parts: bytes) -> None:
        self.session.feed(b"".join(parts))
        self.session.end_answer(first_s=self.now_s, last_s=self.now_s)

    def go(self, now_s: float) -> bool:
        """Move the clock in steps, as the window does, and tell whether it is time to ask then."""
        while self.now_s < now_s - 1e-9:
            self.now_s = min(now_s, self.now_s + 0.25)
            self.session.demand.look(self.now_s)
        return self.session.demand.wants(self.now_s)


def begun(*sequences: int) -> Played:
    """Return a session that has these segments of both tracks."""
    played = Played()
    played.ask()
    both = [segment(one, sequence) for sequence in sequences for one in (VIDEO, AUDIO)]
    played.answer(start_policy(), policy(cookie=b"cookie"), initialised(VIDEO), initialised(AUDIO), *both)
    return played


def test_first_request_claims_nothing() -> None:
    asked = Played().ask()
    assert (asked.initialised_formats, asked.buffered_ranges) == ([], [])
    assert asked.ustreamer_config == bytes([0, 1, 2])
    assert (asked.video_formats, asked.audio_formats) == ([VIDEO], [AUDIO])
    state, context = asked.abr_state, asked.streamer_context
    assert state is not None and (state.player_time_ms, state.enabled_tracks, state.sticky_resolution) == (0, 0, 360)
    assert state.capabilities is not None  # visionOS is refused without
    assert context is not None and context.client_info is not None
    assert (context.client_info.client_name, context.client_info.device_make) == (101, "Apple")
    assert context.playback_cookie is None


def test_later_request_tells_playhead_ranges_and_cookie() -> None:
    played = begun(1, 2, 3)
    played.go(2.0)
    asked = played.ask()
    assert asked.initialised_formats == [VIDEO, AUDIO]
    assert [(one.start_ms, one.duration_ms, one.first_segment, one.last_segment) for one in asked.buffered_ranges] == [
        (0, 15_000, 1, 3)
    ] * 2
    assert asked.abr_state is not None and asked.abr_state.player_time_ms == 2000  # plays since 0: 15 s are here
    assert asked.streamer_context is not None and asked.streamer_context.playback_cookie == b"cookie"


def test_nothing_is_asked_while_enough_is_ahead() -> None:
    played = begun(1, 2, 3, 4)
    assert not played.go(5.0)  # 20 s here, 5 s played: exactly the readahead
    assert played.go(5.25)
    assert played.session.demand.longest_ahead_s == 20.0
    played.ask()
    assert played.session.demand.pauses[Pause.FULL] == [(0.0, 5.25)]


def test_playhead_stands_still_in_a_stall_and_resumes_later_than_it_starts() -> None:
    played = Played()
    played.ask()
    played.now_s = 1.0
    played.answer(start_policy(1200, 6000), policy(), initialised(VIDEO), initialised(AUDIO), segment(VIDEO, 1))
    played.go(2.0)
    assert played.session.demand.playhead_s == 0.0  # no sound yet
    played.answer(segment(AUDIO, 1))
    played.go(8.0)
    assert played.session.demand.playhead_s == 5.0  # stalled at second 7
    played.answer(segment(VIDEO, 2), segment(AUDIO, 2))
    played.go(9.0)
    assert played.session.demand.playhead_s == 5.0  # 5 s are ahead, 6 s are needed
    played.answer(segment(VIDEO, 3), segment(AUDIO, 3))
    played.go(11.0)
    assert played.session.demand.playhead_s == 7.0


def test_backoff_is_waited_for_although_media_are_due() -> None:
    played = begun(1)
    played.ask()
    played.answer(policy(backoff_ms=2000))
    assert not played.go(1.75)
    assert played.go(2.0)
    played.ask()
    assert played.session.demand.pauses[Pause.ORDERED] == [(0.0, 2.0)]


def test_request_goes_out_at_the_latest_after_the_servers_own_time() -> None:
    played = begun(1, 2, 3, 4, 5, 6)
    played.ask()
    told = NextRequestPolicy(
        target_audio_readahead_ms=1000, target_video_readahead_ms=1000, max_time_since_last_request_ms=3000
    )
    played.answer(part(35, told))
    assert not played.go(2.75)
    assert played.go(3.0)  # 27 s are ahead, and 1 s is wanted


def test_all_segments_end_the_session() -> None:
    played = begun(*range(1, 9))
    assert played.session.is_over
    assert not played.go(60.0)


def test_init_segment_and_segments_are_the_bytes_of_the_file() -> None:
    played = begun(1, 2)
    assert played.bytes["video"].data == b"i" * INIT_BYTES + b"\x01" * SEGMENT_BYTES + b"\x02" * SEGMENT_BYTES
    first = played.session.tracks["video"].segments[0]
    assert (first.start_byte, first.end_byte, first.duration_s) == (INIT_BYTES, INIT_BYTES + SEGMENT_BYTES, 5.0)


def test_repeated_segment_is_passed_over() -> None:
    played = begun(1)
    played.ask()
    played.answer(segment(VIDEO, 1), segment(VIDEO, 2))
    assert played.bytes["video"].received_bytes == INIT_BYTES + 2 * SEGMENT_BYTES
    assert played.session.segments.repeated_bytes == SEGMENT_BYTES


def test_segment_that_comes_too_early_waits_for_the_one_before_it() -> None:
    played = begun(1)
    played.ask()
    played.answer(segment(VIDEO, 3, 7), segment(VIDEO, 2, 8))
    assert played.bytes["video"].data[-2 * SEGMENT_BYTES :] == b"\x02" * SEGMENT_BYTES + b"\x03" * SEGMENT_BYTES
    assert played.session.tracks["video"].end_s == 15.0


def test_missing_bytes_of_the_file_are_refused() -> None:
    played = begun(1)
    played.ask()
    with pytest.raises(BrokenBody, match="missing before byte 2100"):
        played.answer(segment(VIDEO, 3))


def test_segment_without_its_end_is_not_whole() -> None:
    played = begun(1)
    played.ask()
    played.answer(header(VIDEO, 2), media(1, b"\x02" * 400))
    asked = played.ask()
    assert [one.last_segment for one in asked.buffered_ranges] == [1, 1]
    played.answer(segment(VIDEO, 2))  # the server sends it again, and only what is new counts
    assert played.bytes["video"].received_bytes == INIT_BYTES + 2 * SEGMENT_BYTES
    assert played.session.tracks["video"].end_s == 10.0


@pytest.mark.parametrize(
    "body",
    [
        media(5, b"x"),  # of no header
        part(22, number(5)),
        header(FormatId(999, 1), 1),  # of no initialised format
        part(20, b"\x08\x01"),  # a header without format and length
        header(VIDEO, 2) + media(1, b"x" * (SEGMENT_BYTES + 1)),
        part(42, b""),
        part(22, b""),
    ],
)
def test_parts_that_contradict_each_other_are_refused(body: bytes) -> None:
    played = begun(1)
    played.ask()
    with pytest.raises(BrokenBody):
        played.answer(body)


def test_status_3_without_media_is_the_gate_and_with_media_is_none() -> None:
    played = begun(1)
    played.ask()
    played.answer(protection(3), segment(VIDEO, 2))
    played.ask()
    with pytest.raises(Gated):
        played.answer(protection(3), policy(backoff_ms=2000))


def test_answers_without_media_end_the_session_where_no_wait_is_ordered() -> None:
    played = begun(1)
    for _ in range(2):
        played.ask()
        played.answer(policy())
    played.ask()
    with pytest.raises(MediaWithheld):
        played.answer(policy())


def test_answers_without_media_that_are_not_due_end_nothing() -> None:
    played = begun(1, 2, 3, 4)
    for _ in range(5):
        played.ask()
        played.answer(policy(), protection(2))
    assert played.session.figures.empty_count == 5


def test_advertisement_stops_the_contents_clock() -> None:
    played = begun(1)  # 5 s are here, and play from second 0
    played.go(1.0)
    played.ask()
    context = part(57, ContextUpdate(5, 2, b"value", True, 1))
    played.answer(context, policy(backoff_ms=10_000))
    assert not played.go(10.75)
    assert played.session.demand.playhead_s == 1.0
    assert played.go(11.0)
    asked = played.ask()
    assert asked.streamer_context is not None
    assert asked.streamer_context.contexts == [SentContext(5, b"value")]
    played.answer(segment(VIDEO, 2), segment(AUDIO, 2))
    played.go(13.0)
    assert played.session.demand.playhead_s == 3.0
    assert played.session.demand.pauses[Pause.AD] == [(1.0, 11.0)]
    assert (1.0, 11.0) in played.session.demand.idle_until(13.0), "nothing was asked of the line"


def test_contexts_are_sent_kept_and_dropped_as_the_server_says() -> None:
    played = begun(1)
    first, second = ContextUpdate(5, 2, b"a", False, 1), ContextUpdate(6, 2, b"b", True, 1)
    played.ask()
    played.answer(part(57, first), part(57, second), part(57, ContextUpdate(6, 2, b"c", True, 2)), segment(VIDEO, 2))
    asked = played.ask().streamer_context
    assert asked is not None and asked.contexts == [SentContext(6, b"b")] and asked.missing_contexts == [5]
    played.answer(part(59, ContextSendingPolicy([5], [6], [])), segment(AUDIO, 2))
    asked = played.ask().streamer_context
    assert asked is not None and asked.contexts == [SentContext(5, b"a")] and asked.missing_contexts == [6]
    played.answer(part(59, ContextSendingPolicy([], [], [5, 6])), segment(VIDEO, 3))
    asked = played.ask().streamer_context
    assert asked is not None and asked.contexts == [] and asked.missing_contexts == [5]


def test_server_choice_lists_the_ladder_and_no_height() -> None:
    asked = Played(is_server_choice=True).ask()
    assert asked.video_formats == [VIDEO, HIGH]
    assert asked.abr_state is not None and asked.abr_state.sticky_resolution is None


def test_switch_of_quality_is_noted_with_its_media() -> None:
    played = Played(is_server_choice=True)
    played.ask()
    played.answer(policy(), initialised(VIDEO), initialised(AUDIO), segment(VIDEO, 1), segment(AUDIO, 1))
    played.now_s = 3.0
    played.ask()
    # The quality that takes over begins in the middle of its own file.
    played.answer(initialised(HIGH), segment(HIGH, 2), segment(HIGH, 3), segment(AUDIO, 2))
    spells = played.session.figures.spells
    assert [(spell.t_s, spell.itag, spell.received_bytes, spell.media_s) for spell in spells] == [
        (0.0, 134, SEGMENT_BYTES, 5.0),
        (3.0, 136, 2 * SEGMENT_BYTES, 10.0),
    ]
    assert played.session.tracks["video"].end_s == 15.0
    assert played.session.tracks["video"].is_switched
    # The first quality comes back without an initialisation, and goes on behind the others.
    played.now_s = 9.0
    played.ask()
    played.answer(segment(VIDEO, 4), segment(AUDIO, 3))
    assert [(spell.t_s, spell.itag) for spell in spells] == [(0.0, 134), (3.0, 136), (9.0, 134)]
    assert played.session.tracks["video"].end_s == 20.0


def test_track_that_nobody_asked_for_is_refused_with_its_media() -> None:
    played = begun(1)
    played.ask()
    told = FormatInitialization(format_id=FormatId(999, 1), mime_type="text/vtt")
    with pytest.raises(BrokenBody):
        played.answer(part(42, told), header(FormatId(999, 1), 1))
