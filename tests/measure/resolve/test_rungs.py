"""Which of the offered formats are the rungs of the chosen ones."""

from __future__ import annotations

from dataclasses import replace

from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.resolve.rungs import MAX_RUNGS, rungs_of

VIDEO = MediaFormat(
    "video", "136", "https://a/136", "a", 443, extension="mp4", video_codec="avc1.4d401f", height_px=720,
    declared_bitrate_bps=2_000_000.0,
)  # fmt: skip
AUDIO = MediaFormat(
    "audio", "140", "https://a/140", "a", 443, extension="m4a", audio_codec="mp4a.40.2", declared_bitrate_bps=128_000.0
)


def video(format_id: str, rate_bps: float | None, **changes: object) -> MediaFormat:
    return replace(VIDEO, format_id=format_id, declared_bitrate_bps=rate_bps, **changes)  # type: ignore[arg-type]


def test_rungs_are_of_the_chosen_family_and_in_order_of_their_rate() -> None:
    offered = [
        video("137", 4_000_000.0, height_px=1080),
        VIDEO,
        video("247", 1_500_000.0, extension="webm", video_codec="vp9"),
        video("398", 1_400_000.0, video_codec="av01.0.05M.08"),
        video("134", 600_000.0, height_px=360, video_codec="avc1.4d401e"),
        video("135", None, height_px=480),
        AUDIO,
        replace(AUDIO, format_id="139", declared_bitrate_bps=48_000.0),
    ]
    assert [media.format_id for media in rungs_of(offered, [VIDEO, AUDIO])] == ["134", "136", "137", "139", "140"]


def test_of_formats_that_are_alike_one_stays_and_the_chosen_one_always() -> None:
    offered = [video("136-1", 1_990_000.0), VIDEO, video("298", 3_000_000.0, frame_rate_fps=60.0)]
    assert [media.format_id for media in rungs_of(offered, [VIDEO])] == ["136", "298"]


def test_the_chosen_format_is_a_rung_even_where_nothing_is_declared() -> None:
    bare = video("0", None)
    assert rungs_of([bare, VIDEO], [bare])[0].format_id == "0"


def test_there_are_no_more_rungs_than_a_line_can_tell() -> None:
    offered = [video(str(number), 1e5 * 1.1**number, height_px=100 + number) for number in range(40)]
    assert len(rungs_of(offered, [offered[3]])) == MAX_RUNGS
