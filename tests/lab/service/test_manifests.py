"""The lab's playlists and manifests, and the segments that its media hosts serve by them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import yt_dlp

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.cuts import cuts_of
from pytomo_scrapy.lab.clips.library import prepare_clips
from pytomo_scrapy.lab.faults import FAULTS, PlaylistFault
from pytomo_scrapy.lab.http.request_heads import parse_head
from pytomo_scrapy.lab.http.service_messages import Request, Response
from pytomo_scrapy.lab.http.transfers import Answer
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.model import Delivery, LabVideo, MediaHost, World
from pytomo_scrapy.lab.service.manifests import Manifests
from pytomo_scrapy.lab.service.player_api import PlayerApi
from pytomo_scrapy.measure.resolve.playlist import read_playlist
from tests.lab.conftest import SECRET

HOST = "rr1---sn-test.googlevideo.com"
FAULTY = [name for name, fault in FAULTS.items() if fault.is_in_segments]


class Lab:
    """Manifests and media host of a small world, without a socket."""

    def __init__(self, folder: Path) -> None:
        videos = [
            LabVideo(name, "", "separate_20", HOST, segmented_clip=clip, delivery=Delivery.HLS)
            for name, clip in (("ts", "hls_20"), ("packed", "packed_40"), ("ranges", "separate_20"))
        ]
        videos += [
            LabVideo(name, "", "separate_20", HOST, fault=name, segmented_clip="hls_20", delivery=Delivery.HLS)
            for name in FAULTY
        ]
        videos.append(LabVideo("file", "", "separate_20", HOST))
        world = World("test", "", {video.video_id: video for video in videos}, {HOST: MediaHost(HOST, "127.0.0.1")})
        self.clips = prepare_clips({name for video in videos for name in video.clips})
        player = PlayerApi(world, self.clips, SECRET, 443)
        self.manifests = Manifests(world, self.clips, player.media_url)
        self.server = MediaServer(world, self.clips, Authority.create(folder), SECRET)

    def ask(self, path: str) -> Response | None:
        return self.manifests.answer(Request("GET", "https", "www.youtube.com", path))

    def text(self, path: str) -> str:
        response = self.ask(path)
        assert response is not None and response.status == 200
        return response.body.decode()

    def get(self, url: str, **fields: str) -> Answer:
        parts = urlsplit(url)
        lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return self.server.answer(parse_head(("\r\n".join(lines) + "\r\n\r\n").encode()), "127.0.0.1")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("authority"))


def master(video: str) -> str:
    return f"/api/manifest/hls/{video}/master.m3u8"


@pytest.mark.parametrize(
    ("video", "itag", "clip"),
    [("ts", 92, "hls_20"), ("packed", 93, "packed_40"), ("packed", 94, "packed_40"), ("ranges", 134, "separate_20")],
)
def test_segments_of_a_playlist_are_the_bytes_of_the_clip(lab: Lab, video: str, itag: int, clip: str) -> None:
    stream = lab.clips[clip].stream(itag)
    assert stream is not None
    place = f"itag/{itag}/index.m3u8"
    assert place in lab.text(master(video))
    url = urljoin("https://www.youtube.com" + master(video), place)
    parts = read_playlist(lab.text(urlsplit(url).path), url)
    content = stream.path.read_bytes()
    received = b""
    for part in parts:
        is_range = part.start_byte is not None
        answer = lab.get(
            part.url, **({"Range": f"bytes={part.start_byte}-{(part.end_byte or 0) - 1}"} if is_range else {})
        )
        assert (answer.status, len(answer.body)) == (206 if is_range else 200, answer.length_bytes)
        received += bytes(answer.body)
    cuts = cuts_of(stream)
    header = cuts[0].start if video == "ranges" else 0
    assert received == content[:header] + content[cuts[0].start : cuts[-1].end]
    assert sum(part.duration_s or 0.0 for part in parts) == pytest.approx(lab.clips[clip].duration_s, abs=0.05)


def test_manifest_of_dash_names_header_and_segments_as_yt_dlp_reads_them(lab: Lab) -> None:
    text = lab.text("/api/manifest/dash/ranges/manifest.mpd")
    reader = yt_dlp.YoutubeDL({"quiet": True}).get_info_extractor("Generic")
    formats, _ = reader._parse_mpd_formats_and_subtitles(ElementTree.fromstring(text), "dash", "https://e.example/")
    for found, kind in zip(formats, ("video", "audio"), strict=True):
        stream = next(stream for stream in lab.clips["separate_20"].streams if stream.kind == kind)
        cuts = cuts_of(stream)
        received = b"".join(bytes(lab.get(fragment["url"]).body) for fragment in found["fragments"])
        assert (
            received
            == stream.path.read_bytes()[: cuts[0].start] + stream.path.read_bytes()[cuts[0].start : cuts[-1].end]
        )
        lengths = [fragment.get("duration") for fragment in found["fragments"]]
        assert lengths == [None, *(pytest.approx(cut.duration_s, abs=0.001) for cut in cuts)]


@pytest.mark.parametrize(
    "path",
    ["/api/manifest/hls/file/master.m3u8", "/api/manifest/hls/nobody/master.m3u8",
     "/api/manifest/hls/ts/itag/7/index.m3u8", "/api/manifest/smooth/ts/master.m3u8", "/watch"],
)  # fmt: skip
def test_path_that_names_no_list_is_left_to_others(lab: Lab, path: str) -> None:
    assert lab.ask(path) is None


@pytest.mark.parametrize("name", [name for name in FAULTY if isinstance(FAULTS[name], PlaylistFault)])
def test_playlist_at_fault_has_the_class_that_its_row_says(lab: Lab, name: str) -> None:
    path = f"/api/manifest/hls/{name}/itag/92/index.m3u8"
    with pytest.raises(MeasurementError) as raised:
        read_playlist(lab.text(path), "https://www.youtube.com" + path)
    assert raised.value.failure == FAULTS[name].failure


def segments(lab: Lab, video: str) -> list[str]:
    return [
        line
        for line in lab.text(f"/api/manifest/hls/{video}/itag/92/index.m3u8").splitlines()
        if "videoplayback" in line
    ]


def test_faults_of_segments_are_met_where_their_rows_say(lab: Lab) -> None:
    assert [lab.get(url).status for url in segments(lab, "segment_missing")] == [200, 200, 404, 200, 200]
    assert [lab.get(url).status for url in segments(lab, "segment_refused")] == [200, 200, 403, 200, 200]
    short = lab.get(segments(lab, "segment_short")[0], Range="bytes=0-999")
    assert (short.status, len(short.body), short.length_bytes) == (206, 500, 500)
    assert dict(short.headers)["Content-Range"].startswith("bytes 0-499/")


def test_segment_that_is_not_listed_is_not_there(lab: Lab) -> None:
    url = segments(lab, "ts")[0].replace("&sq=0", "")
    assert [lab.get(f"{url}&sq={number}").status for number in ("4", "5", "x", "-1")] == [200, 404, 404, 404]
    assert lab.get(f"{url}&sq=0".replace("sig=", "sig=0")).status == 403
