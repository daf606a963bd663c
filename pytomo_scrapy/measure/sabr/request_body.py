"""The body of a SABR request: who asks, where the playhead is, and what it has."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat
from pytomo_scrapy.measure.sabr.messages import (
    AudioCapability,
    BufferedRange,
    ClientAbrState,
    ClientInfo,
    ContextSendingPolicy,
    ContextUpdate,
    FormatId,
    MediaCapabilities,
    SentContext,
    StreamerContext,
    TimeRange,
    VideoCapability,
    VideoPlaybackAbrRequest,
    write_message,
)
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.sabr.segments import TrackIntake

# Without their capabilities these are refused what they ask for; with them, web clients are.
# Source: yt-dlp pull request 13515. ANDROID, IOS, ANDROID_VR, VISIONOS.
_CAPABLE_CLIENTS = frozenset({3, 5, 28, 101})
_VIDEO_CODECS, _AUDIO_CODECS = (2, 4, 8, 9), (1, 3)
_KEEP_EXISTING = 2
_TRACKS = {("audio", "video"): 0, ("audio",): 1, ("video",): 2}
MAX_CONTEXTS = 32


@dataclass(slots=True)
class Contexts:
    """What the server wants to be told again: by type, and whether it goes along."""

    values: dict[int, bytes] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)

    def update(self, message: ContextUpdate) -> None:
        """Keep a value, unless one is there that shall stay."""
        if message.type is None or message.value is None:
            return
        is_kept = message.write_policy == _KEEP_EXISTING and message.type in self.values
        if is_kept or (message.type not in self.values and len(self.values) >= MAX_CONTEXTS):
            return
        self.values[message.type] = message.value
        if message.is_sent_by_default:
            self.sent.add(message.type)

    def apply(self, policy: ContextSendingPolicy) -> None:
        """Take which go along from now on."""
        self.sent |= set(policy.start[:MAX_CONTEXTS])
        self.sent -= set(policy.stop)
        for kind in policy.discard:
            self.values.pop(kind, None)


@dataclass(frozen=True, slots=True)
class PlayerMoment:
    """What a request says of the player when it is sent."""

    now_s: float
    playhead_s: float
    bytes_per_s: int | None = None
    cookie: bytes | None = None


def request_body(plan: SabrPlan, moment: PlayerMoment, tracks: Mapping[str, TrackIntake], contexts: Contexts) -> bytes:
    """Return the bytes of a request.

    Formats and ranges are left out until their init segments are here, else the server takes those as had.
    """
    intakes = [intake for track in tracks.values() for intake in track.formats.values() if intake.is_init_here]
    preferred = {kind: [_format_id(one) for one in plan.ladder(kind)] for kind in tracks}
    return write_message(
        VideoPlaybackAbrRequest(
            abr_state=_abr_state(plan, moment, tuple(sorted(tracks))),
            initialised_formats=[intake.format_id for intake in intakes],
            buffered_ranges=[
                BufferedRange(
                    intake.format_id,
                    run.start_ms,
                    run.end_ms - run.start_ms,
                    run.first,
                    run.last,
                    TimeRange(run.start_ms, run.end_ms - run.start_ms, 1000),
                )
                for intake in intakes
                for run in intake.runs
            ],
            ustreamer_config=decode_config(plan.source.ustreamer_config),
            audio_formats=preferred.get("audio", []),
            video_formats=preferred.get("video", []),
            streamer_context=StreamerContext(
                client_info=_client_info(plan.source.client),
                playback_cookie=moment.cookie,
                contexts=[
                    SentContext(kind, contexts.values[kind]) for kind in contexts.values if kind in contexts.sent
                ],
                missing_contexts=sorted({*contexts.sent, *contexts.values} - (contexts.sent & set(contexts.values))),
            ),
        )
    )


def decode_config(text: str) -> bytes:
    """Return the bytes of a configuration in base64url. Empty where it is none."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _abr_state(plan: SabrPlan, moment: PlayerMoment, kinds: tuple[str, ...]) -> ClientAbrState:
    since_start_ms = max(0, round(moment.now_s * 1000))
    height_px = next((one.height_px for one in plan.formats if one.kind == "video"), None)
    return ClientAbrState(
        viewport_width_px=plan.viewport_px[0],
        viewport_height_px=plan.viewport_px[1],
        # A height says that a viewer chose it: left out where the server is to choose.
        sticky_resolution=None if plan.is_server_choice else height_px,
        is_viewport_flexible=False,
        bandwidth_bytes_per_s=moment.bytes_per_s,
        player_time_ms=max(0, round(moment.playhead_s * 1000)),
        since_seek_ms=since_start_ms,
        visibility=1,
        playback_rate=1.0,
        elapsed_wall_time_ms=since_start_ms,
        capabilities=_capabilities() if plan.source.client.number in _CAPABLE_CLIENTS else None,
        since_action_ms=since_start_ms,
        enabled_tracks=_TRACKS.get(kinds, 0),
        is_drc_enabled=any(one.is_drc for one in plan.formats) or None,
    )


def _capabilities() -> MediaCapabilities:
    video = [VideoCapability(codec, True, True) for codec in _VIDEO_CODECS]
    return MediaCapabilities(video, [AudioCapability(codec) for codec in _AUDIO_CODECS], 0)


def _client_info(client: SabrClient) -> ClientInfo:
    return ClientInfo(
        device_make=client.device_make,
        device_model=client.device_model,
        client_name=client.number,
        client_version=client.version,
        os_name=client.os_name,
        os_version=client.os_version,
        android_sdk=client.android_sdk,
    )


def _format_id(media: SabrFormat) -> FormatId:
    return FormatId(media.itag, media.last_modified, media.xtags)
