"""The service of autumn 2026: identities and bot checks at the player API, pages of every shape, all sources."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.lab.faults import FAULTS
from pytomo_scrapy.lab.guests import Guests, read_visitor_name
from pytomo_scrapy.lab.http.service_messages import Request, Response
from pytomo_scrapy.lab.model import GuestRules, PageShape, World
from pytomo_scrapy.lab.service.answers import Service
from pytomo_scrapy.lab.service.player_api import PlayerApi
from pytomo_scrapy.lab.world import build_world
from pytomo_scrapy.pages.youtube_pages import parse_page
from tests.lab.conftest import MEDIA_PORT, SECRET, FakeClips

Json = dict[str, Any]
ServiceWith = Callable[..., Service]

PODCASTS = {"browseId": "FEpodcasts_destination", "params": "qgcCCAM%3D"}
SPORTS = {"browseId": "UCEgdi0XIXXZ-qJOFPf4JSKw", "params": "EglzcG9ydHN0YWK4AQCSAwDyBgQKAjIA"}
GAMING = {"browseId": "UCOpNcN46UbXVtpKMrmU4Abg", "params": "Egh0cmVuZGluZw%3D%3D"}


@pytest.fixture
def world() -> World:
    return build_world("autumn2026")


@pytest.fixture
def service_with(world: World) -> ServiceWith:
    """Make the service of the world with other rules for guests."""

    def make(**rules: float) -> Service:
        guests = Guests(replace(GuestRules(), **rules), seed=0)  # type: ignore[arg-type]
        return Service(world, PlayerApi(world, FakeClips(), SECRET, MEDIA_PORT, guests=guests))

    return make


def post(service: Service, api: str, body: Json, **headers: str) -> Json:
    target, text = f"/youtubei/v1/{api}?prettyPrint=false", json.dumps(body).encode()
    lowered = {name.replace("_", "-"): value for name, value in headers.items()}
    response = service.answer(Request("POST", "https", "www.youtube.com", target, lowered, text))
    answer: Json = json.loads(response.body)
    return {**answer, "status": response.status}


def watch(service: Service, video_id: str, cookie: str = "SOCS=CAI") -> Response:
    return service.answer(Request("GET", "https", "www.youtube.com", f"/watch?v={video_id}", {"cookie": cookie}))


def visitor_of(answer: Json) -> str:
    return str(answer["responseContext"]["visitorData"])


def healthy(world: World) -> str:
    return next(video.video_id for video in world.videos.values() if video.fault is None)


def with_shape(world: World, shape: PageShape) -> list[str]:
    return [video.video_id for video in world.videos.values() if video.page_shape is shape and video.fault is None]


def test_player_request_without_identity_is_a_new_guest_each_time(world: World, service_with: ServiceWith) -> None:
    service = service_with()
    seen = {visitor_of(post(service, "player", {"videoId": healthy(world)})) for _ in range(5)}
    assert len(seen) == 5


@pytest.mark.parametrize("way", ["context", "header", "cookie"])
def test_player_request_with_an_identity_keeps_it(world: World, service_with: ServiceWith, way: str) -> None:
    service = service_with(gated_share=0.5)
    body: Json = {"videoId": healthy(world)}
    first = post(service, "player", body)
    visitor = visitor_of(first)
    context = {"context": {"client": {"clientName": "VISIONOS", "visitorData": visitor}}}
    second = {
        "context": lambda: post(service, "player", {**body, **context}),
        "header": lambda: post(service, "player", body, x_goog_visitor_id=visitor),
        "cookie": lambda: post(service, "player", body, cookie=f"VISITOR_INFO1_LIVE={read_visitor_name(visitor)}"),
    }[way]()
    assert visitor_of(second) == visitor


@pytest.mark.parametrize("client", [None, [], "text", {"visitorData": 7}])
def test_player_request_with_nonsense_for_a_client_is_answered(
    world: World, service_with: ServiceWith, client: Any
) -> None:
    answer = post(service_with(), "player", {"videoId": healthy(world), "context": {"client": client}})
    assert answer["playabilityStatus"]["status"] == "OK"


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.4, 8), (1.0, 20)])
def test_bot_checks_are_drawn_for_each_guest(world: World, service_with: ServiceWith, share: float, count: int) -> None:
    service = service_with(bot_check_share=share)
    statuses = [post(service, "player", {"videoId": healthy(world)})["playabilityStatus"] for _ in range(20)]
    refused = [status for status in statuses if status["status"] != "OK"]
    assert len(refused) == count
    assert {status["reason"] for status in refused} <= {"Sign in to confirm you\u2019re not a bot"}


def test_bot_check_stays_with_its_guest_and_a_new_one_may_play(world: World, service_with: ServiceWith) -> None:
    service = service_with(bot_check_share=0.5)
    answers = [post(service, "player", {"videoId": healthy(world)}) for _ in range(20)]
    for answer in answers:
        again = post(service, "player", {"videoId": healthy(world)}, x_goog_visitor_id=visitor_of(answer))
        assert again["playabilityStatus"] == answer["playabilityStatus"]
    assert {answer["playabilityStatus"]["status"] for answer in answers} == {"OK", "LOGIN_REQUIRED"}


def test_bot_check_may_be_a_captcha(world: World, service_with: ServiceWith) -> None:
    service = service_with(bot_check_share=1.0, captcha_share=0.2)
    screens = [
        post(service, "player", {"videoId": healthy(world)})["playabilityStatus"]["errorScreen"] for _ in range(20)
    ]
    assert sum("playerCaptchaViewModel" in screen for screen in screens) == 4


def test_pages_name_a_guest_and_set_its_cookie(world: World, service_with: ServiceWith) -> None:
    service = service_with()
    response = watch(service, healthy(world))
    cookie = re.match(r"VISITOR_INFO1_LIVE=([\w-]{11});", dict(response.headers)["Set-Cookie"])
    visitor = re.search(r'"VISITOR_DATA":"([^"]+)"', response.body.decode())
    assert cookie and visitor and read_visitor_name(visitor[1]) == cookie[1]
    again = watch(service, healthy(world), cookie=f"SOCS=CAI; {cookie[0]}").body.decode()
    assert read_visitor_name(re.findall(r'"VISITOR_DATA":"([^"]+)"', again)[0]) == cookie[1]


def test_world_has_pages_of_every_shape_and_videos_enough(world: World) -> None:
    assert {len(with_shape(world, shape)) > 2 for shape in PageShape} == {True}
    videos = world.videos.values()
    assert sum(video.fault is None for video in videos) >= 60
    assert {FAULTS[video.fault].failure for video in videos if video.fault} == {"removed", "unknown_refusal"}
    reached = {*world.charts["VIDEOS:WEEKLY"], *world.gaming, *world.podcasts, *world.sports, *world.search["week"]}
    assert reached == set(world.videos)
    listed = {*world.charts["VIDEOS:WEEKLY"], *world.search["week"][:20]}
    related = {other for video_id in listed for other in world.videos[video_id].related[:20]}
    assert len(listed) == 20 and len(listed | related) >= 60, "the second round comes within a crawl of forty"


@pytest.mark.parametrize("shape", PageShape)
def test_page_of_each_shape_carries_the_same_object_as_next(
    world: World, service_with: ServiceWith, shape: PageShape
) -> None:
    service = service_with()
    for video_id in with_shape(world, shape):
        text = watch(service, video_id).body.decode()
        related = post(service, "next", {"videoId": video_id})["contents"]
        element = re.search(r'<script [^>]*id="yt-initial-data"[^>]*>(.*?)</script>', text)
        assignment = re.search(r"var ytInitialData = (.*?);</script>", text)
        assert (bool(assignment), bool(element)) == (shape is PageShape.ASSIGNMENT, shape is PageShape.ELEMENT)
        if found := assignment or element:
            assert json.loads(found[1])["contents"] == related
        assert "ytInitialPlayerResponse" in text


def test_element_s_attributes_come_in_several_orders(world: World, service_with: ServiceWith) -> None:
    service = service_with()
    pages = [watch(service, video_id).body.decode() for video_id in with_shape(world, PageShape.ELEMENT)]
    tags = [re.search(r"<script ([^>]*yt-initial-data[^>]*)>", text) for text in pages]
    orders = {tuple(re.findall(r"(\w+)=", tag[1])) for tag in tags if tag}
    assert len(orders) > 2 and {frozenset(order) for order in orders} == {frozenset({"id", "type", "nonce"})}
    assert watch(service, with_shape(world, PageShape.ELEMENT)[0]).body.decode().count("nonce=") == 1


@pytest.mark.parametrize(
    ("body", "source"),
    [
        (PODCASTS, "podcasts"),
        ({**PODCASTS, "params": "qgcCCAM="}, "podcasts"),
        (SPORTS, "sports"),
        (GAMING, "gaming"),
        ({**GAMING, "params": "Egh0cmVuZGluZ7gBAJIDAPIGBAoCMgA"}, "gaming"),
    ],
)
def test_destination_lists_its_videos_in_order(
    world: World, service_with: ServiceWith, body: Json, source: str
) -> None:
    answer = post(service_with(), "browse", body)
    page = parse_page(json.dumps(answer))
    assert tuple(video.video_id for video in page.videos) == getattr(world, source)


@pytest.mark.parametrize(
    "body", [{**PODCASTS, "params": ""}, {**SPORTS, "params": GAMING["params"]}, {"browseId": "FEtrending"}, {}]
)
def test_destination_that_does_not_exist_is_a_bad_request(service_with: ServiceWith, body: Json) -> None:
    assert post(service_with(), "browse", body)["status"] == 400


def skeleton(value: Any) -> Any:
    """Return what shape a value has: its keys, and of a list its first element's."""
    if isinstance(value, dict):
        return {key: skeleton(inner) for key, inner in value.items()}
    return [skeleton(value[0])] if isinstance(value, list) and value else type(value).__name__


def assert_within(ours: Any, theirs: Any) -> None:
    """Check that every key of ours is in theirs, with a value of the same type."""
    if isinstance(ours, dict):
        for key, inner in ours.items():
            assert key in theirs
            assert_within(inner, theirs[key])
    elif isinstance(ours, list):
        assert_within(ours[0], theirs[0])
    else:
        assert ours == theirs


def test_podcasts_have_the_shape_of_the_recorded_answer(service_with: ServiceWith, shared: Path) -> None:
    recorded = json.loads((shared / "recordings/browse_podcasts.json").read_text())["response"]
    ours = post(service_with(), "browse", PODCASTS)
    assert_within(skeleton(ours["contents"]), skeleton(recorded["contents"]))
    grid = ours["contents"]["twoColumnBrowseResultsRenderer"]["tabs"][0]["tabRenderer"]["content"]["richGridRenderer"]
    assert grid["targetId"] == "browse-feedFEpodcasts_destination"


@pytest.mark.parametrize(
    ("client", "file"), [("VISIONOS", "player_visionos_plain.json"), ("ANDROID", "player_android_reel.json")]
)
def test_declared_player_is_the_recorded_one(
    world: World, service_with: ServiceWith, shared: Path, client: str, file: str
) -> None:
    recorded = json.loads((shared / "recordings" / file).read_text())
    theirs = recorded.get("playerResponse", recorded)["playerConfig"]
    body = {"videoId": healthy(world), "context": {"client": {"clientName": client}}}
    ours = post(service_with(), "player", body)["playerConfig"]
    for config in (ours, theirs):
        del config["mediaCommonConfig"]["mediaUstreamerRequestConfig"]
    assert ours["mediaCommonConfig"] == theirs["mediaCommonConfig"]
    if client == "ANDROID":
        assert ours["networkProtocolConfig"] == theirs["networkProtocolConfig"]
        assert ours["exoPlayerConfig"].items() <= theirs["exoPlayerConfig"].items()
