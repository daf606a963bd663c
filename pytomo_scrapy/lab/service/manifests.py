"""The lab's lists of segments: HLS playlists and DASH manifests, with media URLs signed for who asks.

A transport stream and packed audio are listed by an address a segment, fragmented MP4 by ranges of its file in HLS and
by an address a segment in DASH.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from xml.sax.saxutils import quoteattr

from pytomo_scrapy.lab.clips.clip import Clip, ClipStream
from pytomo_scrapy.lab.clips.cuts import HEADER, cuts_of
from pytomo_scrapy.lab.faults import PlaylistFault, fault_at
from pytomo_scrapy.lab.http.service_messages import Request, Response
from pytomo_scrapy.lab.model import LabVideo, World

_PATH = re.compile(r".*/manifest/(hls|dash)/([\w-]+)/(?:itag/(\d+)/)?\w+\.(?:m3u8|mpd)")
HLS_TYPE, DASH_TYPE = "application/vnd.apple.mpegurl", "application/dash+xml"
_SOUND = "sound"

# (video, stream, the client's address, the mark of the guest) to a signed URL.
SignUrl = Callable[[LabVideo, ClipStream, str, str], str]


class Manifests:
    """Answers for every video of a world that has a clip in segments."""

    def __init__(self, world: World, clips: Mapping[str, Clip], sign_url: SignUrl) -> None:
        self._world = world
        self._clips = clips
        self._sign_url = sign_url

    def answer(self, request: Request) -> Response | None:
        """Return the playlist or manifest that a request asks for. None where its path names none."""
        found = _PATH.fullmatch(request.path)
        video = self._world.videos.get(found[2]) if found else None
        clip = self._clips.get(video.segmented_clip or "") if video else None
        if found is None or video is None or clip is None:
            return None
        fault = fault_at(PlaylistFault, video.fault)
        if fault is not None and fault.instead is not None:
            return fault.instead
        if found[1] == "dash":
            return Response(200, self._manifest(video, clip, request).encode(), DASH_TYPE)
        if found[3] is None:
            return Response(200, _master(clip).encode(), HLS_TYPE)
        stream = clip.stream(int(found[3]))
        if stream is None:
            return None
        text = self._playlist(video, stream, request)
        return Response(200, (fault.change(text) if fault and fault.change else text).encode(), HLS_TYPE)

    def _url(self, video: LabVideo, stream: ClipStream, request: Request) -> str:
        return self._sign_url(video, stream, request.client_address, request.query.get("bui", "nobody"))

    def _playlist(self, video: LabVideo, stream: ClipStream, request: Request) -> str:
        url, cuts = self._url(video, stream, request), cuts_of(stream)
        longest_s = math.ceil(max(cut.duration_s for cut in cuts))
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{longest_s}", "#EXT-X-PLAYLIST-TYPE:VOD"]
        is_ranged = stream.index_range is not None
        if is_ranged:
            lines.append(f'#EXT-X-MAP:URI="{url}",BYTERANGE="{cuts[0].start}@0"')
        for number, cut in enumerate(cuts):
            lines.append(f"#EXTINF:{cut.duration_s:.6f},")
            if is_ranged:
                lines.append(f"#EXT-X-BYTERANGE:{cut.end - cut.start}@{cut.start}")
            lines.append(url if is_ranged else f"{url}&sq={number}")
        return "\n".join([*lines, "#EXT-X-ENDLIST", ""])

    def _manifest(self, video: LabVideo, clip: Clip, request: Request) -> str:
        kinds = dict.fromkeys(stream.kind for stream in clip.streams)
        sets = "".join(self._adaptation_set(video, clip, kind, request) for kind in kinds)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" '
            f'mediaPresentationDuration="PT{clip.duration_s:.3f}S" minBufferTime="PT2S"><Period>{sets}</Period></MPD>\n'
        )

    def _adaptation_set(self, video: LabVideo, clip: Clip, kind: str, request: Request) -> str:
        streams = [stream for stream in clip.streams if stream.kind == kind]
        rungs = "".join(self._representation(video, stream, request) for stream in streams)
        return f'<AdaptationSet mimeType="{streams[0].mime}" segmentAlignment="true">{rungs}</AdaptationSet>'

    def _representation(self, video: LabVideo, stream: ClipStream, request: Request) -> str:
        url = self._url(video, stream, request)
        picture = f' width="{stream.width_px}" height="{stream.height_px}" frameRate="{stream.frame_rate_fps}"'
        sound = f' audioSamplingRate="{stream.sample_rate_hz}"'
        times = "".join(f'<S d="{round(cut.duration_s * 1000)}"/>' for cut in cuts_of(stream))
        template = (
            f'<SegmentTemplate timescale="1000" startNumber="0" initialization={quoteattr(f"{url}&sq={HEADER}")}'
            f" media={quoteattr(f'{url}&sq=$Number$')}><SegmentTimeline>{times}</SegmentTimeline></SegmentTemplate>"
        )
        return (
            f'<Representation id="{stream.itag}" codecs="{stream.codecs}" bandwidth="{stream.average_bitrate_bps}"'
            f"{picture if stream.kind == 'video' else sound}>{template}</Representation>"
        )


def _master(clip: Clip) -> str:
    sound = next((stream for stream in clip.streams if stream.kind == "audio"), None)
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    group = ""
    if sound is not None:
        group = f',AUDIO="{_SOUND}"'
        place = _place(sound)
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_SOUND}",NAME="main",DEFAULT=YES,AUTOSELECT=YES,URI="{place}"'
        )
    for picture in (stream for stream in clip.streams if stream.kind != "audio"):
        streams = [stream for stream in (picture, sound) if stream]
        codecs = ",".join(stream.codecs.replace(" ", "") for stream in streams)
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={sum(stream.bitrate_bps for stream in streams)},"
            f"AVERAGE-BANDWIDTH={sum(stream.average_bitrate_bps for stream in streams)},"
            f'CODECS="{codecs}",RESOLUTION={picture.width_px}x{picture.height_px},'
            f"FRAME-RATE={picture.frame_rate_fps}{group}"
        )
        lines.append(_place(picture))
    return "\n".join([*lines, ""])


def _place(stream: ClipStream) -> str:
    return f"itag/{stream.itag}/index.m3u8"
