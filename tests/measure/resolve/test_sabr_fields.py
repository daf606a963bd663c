"""What is read of SABR in a player's answer: recorded ones, and hand-made ones that leave something out."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.items.sabr_source import SabrClient
from pytomo_scrapy.measure.resolve.sabr_fields import add_sabr_addresses, is_sabr_address, read_sabr_source

URL = "https://rr1---sn-test.googlevideo.com/videoplayback?expire=1&sabr=1"
CLIENT = {"clientName": "VISIONOS", "clientVersion": "1.02", "deviceMake": "Apple", "osName": "visionOS"}
QUESTION = {"context": {"client": CLIENT}}
ANSWER: dict[str, Any] = {
    "streamingData": {
        "serverAbrStreamingUrl": URL,
        "adaptiveFormats": [
            {"itag": 134, "mimeType": 'video/mp4; codecs="avc1"', "lastModified": "17", "height": 360,
             "averageBitrate": 5000, "contentLength": "900"},
            {"itag": 251, "mimeType": "audio/webm", "lastModified": "18", "xtags": "Cgg", "isDrc": True},
            {"itag": 0, "mimeType": "text/vtt"},
            {"itag": 137, "mimeType": "video/mp4", "targetDurationSec": 2},
            "none",
        ],
    },
    "playerConfig": {
        "mediaCommonConfig": {"mediaUstreamerRequestConfig": {"videoPlaybackUstreamerConfig": "Q29uZmln"}}
    },
}  # fmt: skip


def changed(*path: str, value: Any = None) -> dict[str, Any]:
    answer = deepcopy(ANSWER)
    place = answer
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return answer


def test_source_holds_address_configuration_client_and_formats() -> None:
    source = read_sabr_source({"X-YouTube-Client-Name": "101"}, QUESTION, ANSWER)
    assert source is not None
    assert (source.url, source.host, source.port) == (URL, "rr1---sn-test.googlevideo.com", 443)
    assert source.ustreamer_config == "Q29uZmln"
    assert source.client == SabrClient(101, "1.02", "Apple", None, "visionOS")
    video, audio = source.formats
    assert (video.itag, video.kind, video.last_modified, video.height_px, video.size_bytes) == (
        134,
        "video",
        17,
        360,
        900,
    )
    assert (audio.itag, audio.xtags, audio.is_drc) == (251, "Cgg", True)


def test_formats_without_any_url_get_the_address_of_sabr() -> None:
    source = read_sabr_source({}, QUESTION, ANSWER)
    assert source is not None
    bare = deepcopy(ANSWER)
    assert add_sabr_addresses(bare, source)
    urls = [entry["url"] for entry in bare["streamingData"]["adaptiveFormats"] if isinstance(entry, dict)]
    assert urls[:2] == [f"{URL}&itag=134", f"{URL}&itag=251"]
    assert all(is_sabr_address(url, source) for url in urls) and not is_sabr_address(URL, source)


@pytest.mark.parametrize("name", ["url", "signatureCipher"])
def test_answer_with_one_plain_url_is_left_as_it_is(name: str) -> None:
    source = read_sabr_source({}, QUESTION, ANSWER)
    mixed = changed("streamingData", "formats", value=[{"itag": 18, name: "https://x.example/"}])
    before = deepcopy(mixed)
    assert source is not None and not add_sabr_addresses(mixed, source)
    assert mixed == before


def test_signed_parts_show_in_no_text() -> None:
    source = read_sabr_source({}, QUESTION, ANSWER)
    assert source is not None and "Q29uZmln" not in repr(source) and "expire" not in repr(source)


def test_number_of_the_client_is_known_by_its_name_where_no_header_says_it() -> None:
    source = read_sabr_source({}, QUESTION, {"playerResponse": ANSWER})  # the answer for shorts lies deeper
    assert source is not None and source.client.number == 101


def test_host_of_the_other_domain_is_asked_by_its_usual_name() -> None:
    url = "https://rr1---sn-test.c.youtube.com/videoplayback?sabr=1"
    source = read_sabr_source({}, QUESTION, changed("streamingData", "serverAbrStreamingUrl", value=url))
    assert source is not None and source.host == "rr1---sn-test.googlevideo.com"


@pytest.mark.parametrize(
    "answer",
    [
        changed("streamingData", "serverAbrStreamingUrl"),
        changed("streamingData", "serverAbrStreamingUrl", value="no address"),
        changed("streamingData", "serverAbrStreamingUrl", value=URL + "&n=abc"),  # a script would have to be run
        changed("playerConfig", value=None),
        changed("playerConfig", "mediaCommonConfig", value=[]),
        changed("streamingData", value="text"),
        [],
        None,
    ],
)
def test_answer_that_leaves_something_out_has_no_source(answer: Any) -> None:
    assert read_sabr_source({}, QUESTION, answer) is None


@pytest.mark.parametrize("question", [None, {}, {"context": {"client": {"clientName": "VISIONOS"}}}, {"context": 3}])
def test_question_of_no_known_client_has_no_source(question: Any) -> None:
    assert read_sabr_source({}, question, ANSWER) is None


@pytest.mark.parametrize("name", ["plain", "60fps", "drc", "live"])
def test_recorded_answers_of_visionos_carry_it_beside_plain_urls(shared: Path, name: str) -> None:
    file, folder = f"player_visionos_{name}.json", shared / "recordings"
    answer = json.loads((folder / file).read_text())
    told = next(row for row in json.loads((folder / "manifest.json").read_text())["responses"] if row["file"] == file)
    source = read_sabr_source(told["request_headers"], told["request_body"], answer)
    assert source is not None and source.client.number == 101 and source.client.device_model == "RealityDevice14,1"
    assert 1500 < len(source.ustreamer_config) < 2000
    assert all(media.last_modified > 10**15 and media.size_bytes for media in source.formats)
    listed = answer["streamingData"]["adaptiveFormats"]
    assert all("url" in entry for entry in listed)
    assert len(source.formats) == sum("targetDurationSec" not in entry for entry in listed)


def test_recorded_answer_of_android_has_nothing_but_sabr(shared: Path) -> None:
    answer = json.loads((shared / "recordings" / "player_android_reel.json").read_text())
    question = {"context": {"client": {"clientName": "ANDROID", "clientVersion": "20"}}}
    source = read_sabr_source({}, question, answer)
    assert source is not None and source.client.number == 3 and len(source.formats) == 7
    streaming = (answer.get("playerResponse") or answer)["streamingData"]
    assert not any("url" in entry for entry in streaming["adaptiveFormats"])
