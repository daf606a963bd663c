"""The service: the right answer for each request, in shapes that the product's parsers read as the recorded ones."""

import json
from urllib.parse import urlsplit

import pytest

from pytomo_scrapy.config import SourceConfig
from pytomo_scrapy.lab.http.service_messages import Request
from pytomo_scrapy.lab.service.answers import SERVICE_HOSTS
from pytomo_scrapy.lab.service.watch_pages import read_token
from pytomo_scrapy.lab.world import FRAME_DAYS, build_world
from pytomo_scrapy.pages.sources import next_page_request, popular_sources, source_request, watch_request
from pytomo_scrapy.pages.youtube_pages import parse_page

CONSENTED = {"cookie": "PREF=hl=en; SOCS=CAI"}
SOURCES = SourceConfig(api_key="key", search_terms=("music",), search_order="popularity")


def get(target, host="www.youtube.com", headers=CONSENTED):
    return Request("GET", "https", host, target, headers)


def post(target, body, host="www.youtube.com"):
    return Request("POST", "https", host, target, {}, json.dumps(body).encode())


def ask(service, page_request):
    """Send one of the product's page requests to the service and parse the answer."""
    parts = urlsplit(page_request.url)
    headers = {name.lower(): value for name, value in page_request.headers.items()}
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    request = Request(page_request.method, "https", parts.hostname, target, headers, page_request.body or b"")
    response = service.answer(request)
    return response.status, parse_page(response.body, page_request.url)


def ids_of(page):
    return tuple(video.video_id for video in page.videos)


def location(response):
    return dict(response.headers)["Location"]


def test_watch_page_lists_exactly_the_related_videos_in_order(service_for):
    world, service = build_world("default"), service_for("default")
    video = next(video for video in world.videos.values() if len(video.related) > 20)
    request = watch_request(video.video_id)
    status, page = ask(service, request)
    assert (status, page.kind, page.failure) == (200, "related", None)
    assert ids_of(page) == video.related[:20]
    _, following = ask(service, next_page_request(request, page.continuation))
    assert following.kind == "related_continuation"
    assert ids_of(following) == video.related[20:40]
    assert following.continuation is None


@pytest.mark.slow
def test_watch_page_hostile_titles_arrive_unchanged(service_for):
    world, service = build_world("default"), service_for("default")
    hostile = {
        video.video_id: video.title for video in world.videos.values() if "<" in video.title or "\u202e" in video.title
    }
    # One page that names it for each, and its own.
    naming = {title: video.video_id for video in world.videos.values() for title in hostile.keys() & {*video.related}}
    seen = {}
    for video_id in {*naming.values(), *hostile}:
        page = service.answer(get(f"/watch?v={video_id}")).body.decode()
        assert page.count("</script>") == page.count("<script>")
        if world.videos[video_id].fault is None:
            seen.update({video.video_id: video.title for video in parse_page(page).videos})
    assert len(hostile.keys() & seen.keys()) > 3
    assert all(
        seen[video_id] == " ".join(title.split()) or title in seen[video_id]
        for video_id, title in hostile.items()
        if video_id in seen
    )


@pytest.mark.parametrize("frame", FRAME_DAYS)
def test_popular_sources_of_every_frame_are_read_by_the_parsers(service_for, frame):
    world, service = build_world("default"), service_for("default")
    for request in popular_sources(frame, "GB", SOURCES):
        status, page = ask(service, request)
        assert (status, page.failure) == (200, None), request.source
        assert set(ids_of(page)) <= set(world.videos)
        if not request.source.startswith("data_api:"):
            # Destinations know no frame.
            listed_for = "week" if request.source in {"podcasts:GB", "sports:GB"} else frame
            assert set(ids_of(page)) <= set(world.search[listed_for][:4]), "all first pages agree"
    following = {
        ids_of(ask(service, next_page_request(request, ask(service, request)[1].continuation))[1])
        for request in (source_request(f"search:{frame}:GB:{term}", SOURCES) for term in ("music", "news"))
    }
    assert len(following) == 2, "behind the first page, a term finds its own part of the list"


def test_charts_and_gaming_list_the_world_in_order(service_for):
    world, service = build_world("default"), service_for("default")
    for name, ids in (("charts:VIDEOS:DAILY:GB", world.charts["VIDEOS:DAILY"]), ("gaming:GB", world.gaming)):
        _, page = ask(service, source_request(name, SOURCES))
        assert ids_of(page) == ids


def test_search_continuations_end_and_repeat_nothing(service_for):
    service = service_for("default")
    request = source_request("search:month:GB:music", SOURCES)
    _, page = ask(service, request)
    seen = list(ids_of(page))
    for _ in range(100):
        if page.continuation is None:
            break
        request = next_page_request(request, page.continuation)
        _, page = ask(service, request)
        seen += ids_of(page)
    assert page.continuation is None
    assert len(seen) == len(set(seen)) > 60


def test_search_by_relevance_has_another_order_than_by_popularity(service_for):
    service = service_for("faults")
    by_popularity = ask(service, source_request("search:week:GB:music", SOURCES))[1]
    relevance = SourceConfig(search_terms=("music",), search_order="relevance")
    by_relevance = ask(service, source_request("search:week:GB:music", relevance))[1]
    assert ids_of(by_popularity) == build_world("faults").search["week"][:20] != ids_of(by_relevance)


def test_results_page_without_a_query_is_a_page_without_videos(service_for):
    page = parse_page(service_for("clean").answer(get("/results?search_query=")).body)
    assert (page.kind, page.failure) == ("search", "empty_page")


def test_trending_page_is_gone(service_for, shared):
    response = service_for("clean").answer(post("/youtubei/v1/browse", {"browseId": "FEtrending"}))
    assert response.status == 400
    assert json.loads(response.body) == json.loads((shared / "recordings/browse_fetrending_400.json").read_text())


@pytest.mark.parametrize("token", ["", "nonsense", "eyJ2aWRlbyI6MX0%3D"])
@pytest.mark.parametrize("api", ["next", "search"])
def test_continuation_that_is_not_ours_is_refused(service_for, api, token):
    assert service_for("clean").answer(post(f"/youtubei/v1/{api}", {"continuation": token})).status == 400


def test_read_token_of_other_json_is_none():
    assert read_token("W10=") is None


def test_data_api_without_key_is_refused(service_for):
    assert service_for("clean").answer(get("/youtube/v3/search?part=snippet", "www.googleapis.com")).status == 403


def test_data_api_pages_on_to_the_end(service_for):
    world, service = build_world("clean"), service_for("clean")
    request = source_request("data_api:search:week:GB", SOURCES)
    _, page = ask(service, request)
    assert ids_of(page) == world.search["week"][:50]
    _, page = ask(service, next_page_request(request, page.continuation))
    assert (ids_of(page), page.continuation) == (world.search["week"][50:], None)


@pytest.mark.parametrize(
    ("fault", "status", "failure"),
    [("page_garbage", 200, "unknown_page_shape"), ("page_500", 500, None), ("page_consent", 302, None)],
)
def test_watch_page_fault_shows_on_the_page_only(service_for, fault, status, failure):
    world, service = build_world("faults"), service_for("faults")
    video = next(video for video in world.videos.values() if video.fault == fault)
    response = service.answer(get(f"/watch?v={video.video_id}"))
    assert response.status == status
    assert failure is None or parse_page(response.body).failure == failure
    player = service.answer(post("/youtubei/v1/player", {"videoId": video.video_id}))
    assert json.loads(player.body)["playabilityStatus"]["status"] == "OK"
    # What is asked instead of a page that is not understood must not be understood either.
    instead = parse_page(service.answer(post("/youtubei/v1/next", {"videoId": video.video_id})).body)
    assert (instead.kind, instead.failure) == (("unknown", failure) if failure else ("related", None))


def test_watch_page_without_consent_leads_to_the_consent_page(service_for):
    service = service_for("clean")
    response = service.answer(get("/watch?v=AAAAAAAAAAA", headers={"cookie": "PREF=hl=en"}))
    assert response.status == 302
    there = urlsplit(location(response))
    assert there.hostname == "consent.youtube.com"
    consent = service.answer(get(f"{there.path}?{there.query}", there.hostname))
    assert parse_page(consent.body).failure == "consent_wall"


def test_sorry_page_is_a_bot_check(service_for):
    response = service_for("clean").answer(get("/sorry/index?continue=x", "www.google.com"))
    assert (response.status, parse_page(response.body).failure) == (429, "bot_check")


def test_robots_txt_allows_watch_pages_and_disallows_results(service_for):
    protego = pytest.importorskip("protego")
    rules = protego.Protego.parse(service_for("clean").answer(get("/robots.txt")).body.decode())
    allowed = [
        rules.can_fetch(f"https://www.youtube.com{path}", "crawler")
        for path in ("/watch?v=x", "/results", "/youtubei/v1/next")
    ]
    assert allowed == [True, False, False]


def test_unknown_host_is_refused_with_a_sentence(service_for):
    response = service_for("clean").answer(get("/", "example.org"))
    assert response.status == 502
    assert "no host example.org" in response.body.decode()


@pytest.mark.parametrize("host", SERVICE_HOSTS)
def test_every_host_answers_any_path(service_for, host):
    assert service_for("clean").answer(get("/nothing/here", host)).status in {200, 302, 403, 404}


def test_other_forms_of_a_link_lead_to_the_watch_page(service_for):
    world, service = build_world("clean"), service_for("clean")
    video_id = next(iter(world.videos))
    for path in (f"/shorts/{video_id}", f"/embed/{video_id}?html5=1", f"/live/{video_id}"):
        assert parse_page(service.answer(get(path)).body).kind == "related"
    assert location(service.answer(get(f"/{video_id}", "youtu.be"))).startswith(
        f"https://www.youtube.com/watch?v={video_id}"
    )
    assert location(service.answer(get("/watch?v=x", "m.youtube.com"))) == "https://www.youtube.com/watch?v=x"


def test_related_results_have_the_recorded_keys(service_for, shared):
    recorded = json.loads((shared / "recordings/next_plain.json").read_text())
    world, service = build_world("clean"), service_for("clean")
    answer = json.loads(service.answer(post("/youtubei/v1/next", {"videoId": next(iter(world.videos))})).body)
    path = (
        "contents",
        "twoColumnWatchNextResults",
        "secondaryResults",
        "secondaryResults",
        "results",
        0,
        "lockupViewModel",
    )
    for step in path:
        recorded, answer = recorded[step], answer[step]
    assert answer["contentType"] == recorded["contentType"]
    assert set(answer) == set(recorded)
    assert set(answer["metadata"]["lockupMetadataViewModel"]) <= set(recorded["metadata"]["lockupMetadataViewModel"])
