"""The lab's player API: for each video the answer that the service would give.

Source: the recorded answers of `youtubei/v1/player` (client VISIONOS) and `reel_item_watch` (client ANDROID).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pytomo_scrapy.lab.clips.clip import Clip, ClipStream
from pytomo_scrapy.lab.faults import PlayerApiFault, UrlFault, fault_at
from pytomo_scrapy.lab.faults.api_refusals import BOT_CHECK
from pytomo_scrapy.lab.faults.refusal_shapes import CAPTCHA
from pytomo_scrapy.lab.guests import Guests
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, sign_sabr_url, sign_url
from pytomo_scrapy.lab.model import Delivery, LabVideo, World
from pytomo_scrapy.lab.service.player_configs import player_config

Json = dict[str, Any]

# Clients that the service gives only SABR to: formats without `url`.
_CLIENTS_WITHOUT_URLS = frozenset({"WEB", "MWEB", "ANDROID", "WEB_REMIX", "WEB_EMBEDDED_PLAYER"})
_SOUND_URLS = UrlFault("", "", "")
_QUALITY_BY_HEIGHT = ((144, "tiny"), (240, "small"), (360, "medium"), (480, "large"), (720, "hd720"))


@dataclass(frozen=True, slots=True)
class PlayerRequest:
    """Who asks: the address that the proxy saw, the client and the guest identity that the request names."""

    client_address: str
    client_name: str = "VISIONOS"
    visitor_data: str | None = None


class PlayerApi:
    """Answers for every video of a world, with media URLs signed for the client that asked."""

    def __init__(
        self,
        world: World,
        clips: Mapping[str, Clip],
        secret: bytes,
        media_port: int,
        clock: Callable[[], float] = time.time,
        guests: Guests | None = None,
    ) -> None:
        self._world = world
        self.clips = clips
        self._secret = secret
        self._media_port = media_port
        self._clock = clock
        self.guests = guests or Guests(world.guests, world.seed, clock)

    def duration_s(self, video: LabVideo) -> float:
        """Return the length of the video's media."""
        return self.clips[video.clip].duration_s

    def now_s(self) -> float:
        """Return the lab's wall clock."""
        return self._clock()

    def answer(self, video_id: str, request: PlayerRequest) -> tuple[int, Json]:
        """Return HTTP status and body. An id that does not exist gets `{}`, as from the service."""
        video = self._world.videos.get(video_id)
        if video is None:
            return 200, {}
        guest = self.guests.meet(self.guests.greet(request.visitor_data))
        answer = self._healthy_answer(video, request, guest.visitor_data, guest.mark)
        if guest.is_bot_checked:
            shape = CAPTCHA if guest.is_captcha else BOT_CHECK
            return shape.answer(answer, video_id)
        return self._with_fault(video, answer)

    def _healthy_answer(self, video: LabVideo, request: PlayerRequest, visitor_data: str, mark: str) -> Json:
        answer: Json = {
            "responseContext": {"visitorData": visitor_data, "maxAgeSeconds": 0},
            "playabilityStatus": {"status": "OK", "playableInEmbed": True},
            "videoDetails": self._details(video),
            "playerConfig": player_config(request.client_name),
            "streamingData": self._streaming_data(video, request, mark),
            "storyboards": {"playerStoryboardSpecRenderer": {"spec": _storyboard(video)}},
        }
        if video.available_after_s:
            answer["adSlots"] = [_pre_roll(video)]
        return answer

    def _with_fault(self, video: LabVideo, answer: Json) -> tuple[int, Json]:
        fault = fault_at(PlayerApiFault, video.fault)
        return fault.answer(answer, video.video_id) if fault else (200, answer)

    def initial_response(self, video: LabVideo, client_address: str, visitor_data: str) -> Json:
        """Return the `ytInitialPlayerResponse` of a watch page: the web client's answer, which has no plain URL.

        A guest that only looks at a page is not drawn.
        """
        request = PlayerRequest(client_address, "WEB")
        status, answer = self._with_fault(video, self._healthy_answer(video, request, visitor_data, mark=""))
        # A page has no status of its player: whatever the API says, the page comes, without what plays.
        if status != 200:
            answer = {
                "playabilityStatus": {"status": "OK", "playableInEmbed": True},
                "videoDetails": self._details(video),
            }
        if "videoDetails" in answer:
            answer["microformat"] = {"playerMicroformatRenderer": self._microformat(video, answer["videoDetails"])}
        return answer

    def _details(self, video: LabVideo) -> Json:
        return {
            "videoId": video.video_id,
            "title": video.title,
            "lengthSeconds": str(round(self.duration_s(video))),
            "keywords": ["lab", "offline"],
            "channelId": "UC" + video.video_id * 2,
            "isOwnerViewing": False,
            "shortDescription": f"{video.title}\n\nGenerated for the offline lab.",
            "isCrawlable": True,
            "thumbnail": {
                "thumbnails": [
                    {"url": f"https://i.ytimg.com/vi/{video.video_id}/mqdefault.jpg", "width": 320, "height": 180}
                ]
            },
            "allowRatings": True,
            "viewCount": str(video.view_count),
            "author": video.channel,
            "isPrivate": False,
            "isUnpluggedCorpus": False,
            "isLiveContent": False,
        }

    def _microformat(self, video: LabVideo, details: Json) -> Json:
        published = datetime.fromtimestamp(self._clock(), UTC) - timedelta(days=video.age_days)
        microformat = {
            "title": {"simpleText": video.title},
            "lengthSeconds": details["lengthSeconds"],
            "isFamilySafe": True,
            "availableCountries": ["DE", "FR", "GB", "US"],
            "isUnlisted": False,
            "viewCount": str(video.view_count),
            "category": "Education",
            "publishDate": published.isoformat(timespec="seconds"),
            "uploadDate": published.isoformat(timespec="seconds"),
            "ownerChannelName": video.channel,
            "externalVideoId": video.video_id,
        }
        if details["isLiveContent"]:
            microformat["liveBroadcastDetails"] = {"isLiveNow": details.get("isLive", False)}
        return microformat

    def _streaming_data(self, video: LabVideo, request: PlayerRequest, mark: str) -> Json:
        if video.delivery is not Delivery.FILES:
            return self._manifest_data(video, mark)
        clip = self.clips[video.clip]
        formats = [self._format(video, stream, request, mark) for stream in clip.streams]
        # Files with picture and sound together stand in a list of their own.
        key = "formats" if clip.streams[0].kind == "muxed" else "adaptiveFormats"
        streaming: Json = {"expiresInSeconds": str(EXPIRES_IN_S), key: formats, "aspectRatio": 1.7777778}
        sabr_url = sign_sabr_url(self._media_url(video, clip.streams[0], request, mark), self._secret)
        streaming["serverAbrStreamingUrl"] = sabr_url
        return streaming

    def _manifest_data(self, video: LabVideo, mark: str) -> Json:
        """Return the answer for a video whose media come in segments alone."""
        kind, name = ("hls", "master.m3u8") if video.delivery is Delivery.HLS else ("dash", "manifest.mpd")
        url = f"https://www.youtube.com/api/manifest/{kind}/{video.video_id}/{name}?bui={mark}"
        return {"expiresInSeconds": str(EXPIRES_IN_S), f"{kind}ManifestUrl": url}

    def media_url(self, video: LabVideo, stream: ClipStream, client_address: str, mark: str) -> str:
        """Return the signed address of one file, for who asks for a list of its segments."""
        return self._media_url(video, stream, PlayerRequest(client_address), mark)

    def _format(self, video: LabVideo, stream: ClipStream, request: PlayerRequest, mark: str) -> Json:
        entry: Json = {
            "itag": stream.itag,
            "mimeType": stream.mime_type,
            "bitrate": round(stream.bitrate_bps),
            "lastModified": "1749442709125698",
            "contentLength": str(stream.size_bytes),
            "projectionType": "RECTANGULAR",
            "averageBitrate": round(stream.average_bitrate_bps),
            "approxDurationMs": str(round(stream.duration_s * 1000)),
        }
        if request.client_name not in _CLIENTS_WITHOUT_URLS:
            entry["url"] = self._media_url(video, stream, request, mark)
        for key, byte_range in (("initRange", stream.init_range), ("indexRange", stream.index_range)):
            if byte_range:
                entry[key] = {"start": str(byte_range[0]), "end": str(byte_range[1])}
        if height_px := stream.height_px:
            quality = next((word for limit_px, word in _QUALITY_BY_HEIGHT if height_px <= limit_px), "hd1080")
            entry.update(width=stream.width_px, height=height_px, fps=stream.frame_rate_fps)
            entry.update(quality=quality, qualityLabel=f"{height_px}p", qualityOrdinal=f"QUALITY_ORDINAL_{height_px}P")
        if stream.kind != "video":
            rate, channels = str(stream.sample_rate_hz), stream.channels
            entry.update(audioQuality="AUDIO_QUALITY_MEDIUM", audioSampleRate=rate, audioChannels=channels)
            entry.setdefault("quality", "tiny")
        return entry

    def _media_url(self, video: LabVideo, stream: ClipStream, request: PlayerRequest, mark: str) -> str:
        fault = fault_at(UrlFault, video.fault) or _SOUND_URLS
        expires_in_s = EXPIRES_IN_S if fault.expires_in_s is None else fault.expires_in_s
        return sign_url(
            self._secret,
            video.host,
            self._media_port,
            video.video_id,
            stream,
            fault.client_address or request.client_address,
            int(self._clock()) + expires_in_s,
            client=request.client_name,
            fallback_host=next((name for name in self._world.hosts if _site_of(name) != _site_of(video.host)), None),
            guest_mark=mark,
        )


def _site_of(host: str) -> str:
    return host.partition("---")[2]


def _pre_roll(video: LabVideo) -> Json:
    """Return the advertisement from which yt-dlp works out when the media may be fetched."""
    advertisement = {
        "skipOffsetMilliseconds": round(video.available_after_s * 1000),
        "playerVars": "content_length=90000&length_seconds=15&title=An+advertisement",
    }
    layout = {"playerBytesAdLayoutRenderer": {"renderingContent": {"instreamVideoAdRenderer": advertisement}}}
    return {
        "adSlotRenderer": {
            "adSlotMetadata": {
                "slotType": "SLOT_TYPE_PLAYER_BYTES",
                "triggerEvent": "SLOT_TRIGGER_EVENT_BEFORE_CONTENT",
            },
            "fulfillmentContent": {"fulfilledLayout": layout},
        }
    }


def _storyboard(video: LabVideo) -> str:
    base = f"https://i.ytimg.com/sb/{video.video_id}/storyboard3_L$L/$N.jpg?sqp=lab"
    return f"{base}|48#27#100#10#10#0#default#rs$lab0|80#45#20#10#10#2000#M$M#rs$lab1"
