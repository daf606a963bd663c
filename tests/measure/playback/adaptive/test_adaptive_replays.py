"""Adaptive players over steady lines: what they must do on any ladder, and that a replay repeats exactly."""

from collections.abc import Mapping
from functools import cache

import pytest

from pytomo_scrapy.items import Interval, Ladder, MediaTimeline, MediaTrack, PlaybackResult, TrackSegment
from pytomo_scrapy.measure.playback.adaptive import adaptive_replay
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import AdaptivePlayer, Transfer
from pytomo_scrapy.measure.playback.adaptive.dashjs_player import DashPlayer
from pytomo_scrapy.measure.playback.adaptive.line import LineTrace
from pytomo_scrapy.measure.playback.adaptive.shaka_player import ShakaPlayer
from pytomo_scrapy.measure.playback.adaptive.typical import are_alike, most_typical
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback
from pytomo_scrapy.measure.playback.adaptive_result import LadderSource
from pytomo_scrapy.measure.playback.player_model import LineFacts, StreamTrace
from pytomo_scrapy.measure.playback.players import dashjs_adaptive
from pytomo_scrapy.measure.playback.players.shaka_adaptive import PARAMETERS
from pytomo_scrapy.measure.playback.simulation import simulate_playback

PLAYERS = ("dashjs-adaptive", "shaka-adaptive", "youtube-adaptive")
HEIGHTS = (144, 240, 360, 480, 720, 1080)
WINDOW_S = 25.0
RATES_KBPS = (100, 250, 500, 1000, 2000, 4000)


def track(kind: str, rate_kbps: int, segment_s: float, height_px: int | None = None) -> MediaTrack:
    size = int(rate_kbps * 125 * segment_s)
    count = int(80 / segment_s)
    segments = tuple(TrackSegment(segment_s * n, segment_s, size, 1000 + size * n) for n in range(count))
    return MediaTrack(
        kind, f"{kind}{rate_kbps}", rate_kbps * 1000.0, segments, height_px=height_px, init_bytes=800, index_bytes=200
    )


LADDER = Ladder(
    tuple(track("video", rate, 5.0, height) for rate, height in zip(RATES_KBPS, HEIGHTS, strict=True)),
    (track("audio", 50, 10.0), track("audio", 130, 10.0)),
)


def replay(
    player: str, line_kbps: float, window_s: float = WINDOW_S, *, asked_s: float | None = None
) -> PlaybackResult:
    """Replay over a line of this rate; `asked_s`: the download was whole by then."""
    until_s = asked_s or window_s
    arrival_s = tuple(0.1 + 0.02 * n for n in range(1, int((until_s - 0.1) / 0.02)))
    arrival_bytes = tuple(int(line_kbps * 125 * (t_s - 0.1)) for t_s in arrival_s)
    stream = StreamTrace(arrival_s, arrival_bytes, MediaTimeline("video", "segments"), is_complete=asked_s is not None)
    return simulate_playback([stream], player, horizon_s=window_s, source=LadderSource(LADDER, LineFacts(0.04)))


known = cache(replay)  # where it does not matter who played it


@pytest.mark.slow
@pytest.mark.parametrize("player", PLAYERS)
def test_a_fast_line_plays_the_top_rung_without_a_stall(player: str) -> None:
    result = replay(player, 30_000)
    assert (result.stall_count, result.failure, result.ladder_source) == (0, None, "index")
    assert result.startup_delay_s is not None and result.startup_delay_s < 1.5
    assert result.switches is not None and result.switches[-1][1] == 6
    assert result.mean_bitrate_bps is not None and 2_000_000 < result.mean_bitrate_bps <= 4_000_000
    assert result.height_s is not None
    assert result.played_s == pytest.approx(sum(result.height_s.values()))


@pytest.mark.parametrize("player", PLAYERS)
def test_a_slow_line_plays_the_lowest_rung(player: str) -> None:
    result = replay(player, 220)
    assert result.startup_delay_s is not None and result.startup_delay_s > 2
    assert result.switches is not None and result.switches[-1][1] == 1


@pytest.mark.slow
@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("line_kbps", [700, 2500])
def test_no_player_takes_more_than_the_line_carries(player: str, line_kbps: float) -> None:
    result = known(player, line_kbps)
    assert result.requested_bytes is not None and result.requested_bytes <= line_kbps * 125 * WINDOW_S
    assert result.mean_bitrate_bps is not None and result.mean_bitrate_bps < line_kbps * 1000
    assert result.startup_delay_s is not None
    assert result.played_s is not None and result.stalled_s is not None
    assert result.startup_delay_s + result.played_s + result.stalled_s == pytest.approx(WINDOW_S)


@pytest.mark.slow
@pytest.mark.parametrize("player", PLAYERS)
def test_a_replay_repeats_exactly(player: str) -> None:
    assert replay(player, 700) == known(player, 700)


@pytest.mark.slow
def test_a_replay_that_asks_for_more_than_the_window_showed_says_so() -> None:
    assert known("dashjs-adaptive", 700).is_identifiable
    assert not replay("dashjs-adaptive", 700, asked_s=5.0).is_identifiable


def test_without_a_ladder_or_bytes_there_is_no_adaptive_playback() -> None:
    empty = StreamTrace((), (), MediaTimeline("video", "segments"))
    assert simulate_playback([empty], "dashjs-adaptive", horizon_s=30.0).failure == "no_ladder"
    source = LadderSource(LADDER)
    assert simulate_playback([empty], "dashjs-adaptive", horizon_s=30.0, source=source).failure == "no_media_data"


def shown(started_s: float | None, stalls: int, rung: int) -> AdaptivePlayback:
    played = {} if started_s is None else {rung: 10.0}
    intervals = [Interval(20.0 + 3 * n, 1.0) for n in range(stalls)]
    return AdaptivePlayback(started_s=started_s, stalls=intervals, played_by_rung_s=played)


def test_the_playback_that_is_most_like_the_others_is_typical() -> None:
    playbacks = [shown(1.0, 0, 3), shown(9.0, 3, 0), shown(1.1, 0, 3), shown(1.2, 1, 3), shown(None, 0, 0)]
    assert most_typical(playbacks, LADDER, 45.0) is playbacks[2]


def test_playbacks_are_alike_where_no_two_of_them_differ_by_as_much_as_runs_do() -> None:
    assert are_alike([shown(1.0, 0, 3), shown(1.1, 0, 3), shown(1.2, 0, 3)], LADDER, 45.0)
    assert not are_alike([shown(1.0, 0, 3), shown(1.1, 0, 3), shown(1.8, 0, 3)], LADDER, 45.0)
    assert not are_alike([shown(1.0, 0, 3), shown(1.0, 0, 4)], LADDER, 45.0)


@pytest.mark.parametrize(("stories", "count"), [((3, 3, 3), 3), ((3, 3, 4, 3, 3, 4, 3, 3, 4), 9)])
def test_replays_that_come_to_the_same_are_enough(
    monkeypatch: pytest.MonkeyPatch, stories: tuple[int, ...], count: int
) -> None:
    beginnings: list[Mapping[str, float]] = []
    left = iter(stories)

    def play(_player: object, _line: object, _horizon_s: float) -> AdaptivePlayback:
        return shown(1.0, 0, next(left))

    def make(_ladder: Ladder, parameters: Mapping[str, float]) -> AdaptivePlayer:
        beginnings.append(parameters)
        return ShakaPlayer(LADDER, {name: value.default for name, value in PARAMETERS.items()})

    monkeypatch.setattr(adaptive_replay, "replay_adaptive", play)
    trace = LineTrace((0.0, 45.0), (0.0, 1e6), 0.04, 65536.0)
    asked = {"prepare_s": 0.05, "sound_first_share": 1 / 3}
    assert adaptive_replay.replay_typical(make, LADDER, asked, trace, 45.0).played_by_rung_s == {3: 10.0}
    assert len(beginnings) == count
    assert sum(parameters["is_sound_first"] for parameters in beginnings) == count / 3
    assert len({parameters["prepare_s"] for parameters in beginnings}) == 3


def first_requests(player: AdaptivePlayer) -> list[tuple[str, str]]:
    """Return what is asked for first, with every answer there at once: (kind, part)."""
    asked: list[tuple[str, str]] = []
    now_s = 0.0
    while len(asked) < 6:
        commands = [command for command in player.wake(now_s) if isinstance(command, Transfer)]
        asked += [(command.kind, command.part) for command in commands]
        for command in commands:
            player.completed(command, command.size_bytes, now_s)
        if not commands:
            now_s = max(now_s + 1e-6, player.wake_s())
    return asked[:6]


def test_shaka_asks_for_both_indexes_and_then_for_sound_before_video() -> None:
    player = ShakaPlayer(LADDER, {name: value.default for name, value in PARAMETERS.items()})
    headers = [("audio", "init"), ("video", "init")]  # a segment is held back behind its header
    assert first_requests(player)[:4] == [("video", "index"), ("audio", "index"), *headers]


@pytest.mark.parametrize(("is_sound_first", "first"), [(0.0, "video"), (1.0, "audio")])
def test_dash_asks_for_sound_first_in_some_replays(is_sound_first: float, first: str) -> None:
    parameters = {name: value.default for name, value in dashjs_adaptive.PARAMETERS.items()}
    player = DashPlayer(LADDER, {**parameters, "is_sound_first": is_sound_first})
    assert first_requests(player)[0] == (first, "init")
