"""The parsers on the recorded responses, and on other answers of the same shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.pages import ParsedPage, parse_page

Recording = Callable[[str], str]
IDS = [f"video_{number:05}" for number in range(20)]


def ids(page: ParsedPage) -> list[str]:
    return [video.video_id for video in page.videos]


def video_item(video_id: str, renderer: str = "videoRenderer", **more: Any) -> dict[str, Any]:
    return {renderer: {"videoId": video_id, "title": {"runs": [{"text": "A "}, {"text": "title"}]}, **more}}


def lockup(video_id: str, kind: str = "VIDEO", url: str | None = None) -> dict[str, Any]:
    command = {"commandMetadata": {"webCommandMetadata": {"url": url or f"/watch?v={video_id}"}}}
    return {
        "lockupViewModel": {
            "contentId": video_id,
            "contentType": f"LOCKUP_CONTENT_TYPE_{kind}",
            "metadata": {"lockupMetadataViewModel": {"title": {"content": "A title"}}},
            "rendererContext": {"commandContext": {"onTap": {"innertubeCommand": command}}},
        }
    }


def more_item(token: str) -> dict[str, Any]:
    return {"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": {"token": token}}}}


def related(results: list[Any], **more: Any) -> dict[str, Any]:
    inner = {"secondaryResults": {"results": results, **more}}
    return {"contents": {"twoColumnWatchNextResults": {"results": {}, "secondaryResults": inner}}}


def search(results: list[Any], *more: Any) -> dict[str, Any]:
    sections = {"contents": [{"itemSectionRenderer": {"contents": results}}, *more]}
    return {"contents": {"twoColumnSearchResultsRenderer": {"primaryContents": {"sectionListRenderer": sections}}}}


def browse(content: dict[str, Any]) -> dict[str, Any]:
    tab = {"tabRenderer": {"selected": True, "content": content}}
    return {"contents": {"twoColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": {"title": "Home"}}, tab]}}}


def parse(answer: Any, url: str | None = None) -> ParsedPage:
    return parse_page(json.dumps(answer), url)


@pytest.mark.parametrize("name", ["next_plain", "next_small", "next_mixed_legacy", "next_playlists"])
def test_related_list_of_a_recording_gives_the_expected_ids(recording: Recording, name: str) -> None:
    expected = json.loads(recording("expected.json"))["kept"][f"{name}.json"]
    page = parse_page(recording(f"{name}.json"))
    assert (page.kind, ids(page), page.failure) == ("related", expected, None)
    assert page.continuation
    assert all(video.title and video.view_count for video in page.videos)


@pytest.mark.parametrize(
    ("name", "video_id", "views", "published"),
    [
        ("next_plain", "M4gD1WSo5mA", 12_916, "28 Jan 2015"),
        ("next_mixed_legacy", "kINJeTNFbpg", 17_912_052, "16 Jun 2016"),
        ("next_playlists", "dQw4w9WgXcQ", 1_736_184_557, "25 Oct 2009"),
    ],
)
def test_watch_page_says_views_and_date_of_its_own_video(
    recording: Recording, name: str, video_id: str, views: int, published: str
) -> None:
    about = parse_page(recording(f"{name}.json")).about
    assert about is not None
    assert (about.video_id, about.view_count, about.published) == (video_id, views, published)


@pytest.mark.parametrize(
    ("name", "kind", "count", "first", "last", "has_more"),
    [
        ("charts_trending_music.json", "charts", 30, "7sxVHYZ_PnA", "m4sEaJhaKzI", False),
        ("charts_trending_movies.json", "charts", 30, "ZmEx7wQI6RY", "C93GFpbp554", False),
        ("browse_gaming_trending.json", "browse", 50, "-_DaUyAB_DE", "vejbwilzxjg", False),
        ("browse_podcasts.json", "browse", 99, "uUeo9jxxMWc", "UlJg6hbY22E", False),
        ("search_videos.json", "search", 20, "Z8KYabgkMbw", "oo2aNvVDpAM", True),
        ("search_continuation.json", "search_continuation", 20, "JOHUZMTdgBY", "ezYffvVRjG4", True),
    ],
)
def test_popular_list_of_a_recording_gives_its_videos_in_order(
    recording: Recording, name: str, kind: str, count: int, first: str, last: str, has_more: bool
) -> None:
    page = parse_page(recording(name))
    assert (page.kind, len(page.videos), ids(page)[0], ids(page)[-1]) == (kind, count, first, last)
    assert page.failure is None
    assert bool(page.continuation) is has_more
    assert all(video.duration_s for video in page.videos if not video.is_live)


@pytest.mark.parametrize(
    ("name", "kind", "failure"),
    [
        ("browse_fetrending_400.json", "error", "http_4xx"),
        ("results_html.html", "search", "empty_page"),
        ("visitor_id.json", "unknown", "unknown_page_shape"),
        ("notavailable_invalidid.json", "unknown", "unknown_page_shape"),
        ("notavailable_musicpremiumcontent.json", "player", "premium"),
        ("notavailable_paidcontent.json", "player", "members_only"),
        ("notavailable_privatecontent.json", "player", "private"),
        ("notavailable_restricted.json", "player", "geo_restricted"),
        ("player_visionos_unplayable.json", "player", "unknown_refusal"),
        ("player_visionos_plain.json", "player", None),
        ("player_android_reel.json", "player", None),
        ("player_web_microformat.json", "player", None),
    ],
)
def test_recording_without_a_list_gives_its_failure_class(
    recording: Recording, name: str, kind: str, failure: str | None
) -> None:
    page = parse_page(recording(name))
    assert (page.kind, page.failure) == (kind, failure)
    assert bool(page.failure_detail) is bool(failure)


def test_live_player_answer_marks_the_video_live(recording: Recording) -> None:
    (video,) = parse_page(recording("player_visionos_live.json")).videos
    assert (video.video_id, video.is_live, video.duration_s) == ("X4VbdwhkE10", True, None)


def test_empty_answer_of_the_player_address_says_removed() -> None:
    page = parse({}, "https://youtubei.googleapis.com/youtubei/v1/player?prettyPrint=false&id=x")
    assert (page.kind, page.failure) == ("player", "removed")


def test_related_list_keeps_videos_and_live_and_leaves_the_rest_out() -> None:
    shorts_link = {"commandMetadata": {"webCommandMetadata": {"url": f"/shorts/{IDS[9]}"}}}
    shorts_style = [{"thumbnailOverlayTimeStatusRenderer": {"style": "SHORTS"}}]
    live_style = [{"thumbnailOverlayTimeStatusRenderer": {"style": "LIVE"}}]
    page = parse(
        related(
            [
                {"compactAutoplayRenderer": {"contents": [video_item(IDS[0], "compactVideoRenderer")]}},
                {"relatedChipCloudRenderer": {"content": video_item(IDS[8])}},
                lockup(IDS[1], url=f"/watch?v={IDS[1]}&list=RD{IDS[1]}"),
                lockup("RD" + IDS[2], "PLAYLIST"),
                lockup(IDS[10], "PLAYLIST"),
                lockup(IDS[11], url=f"/shorts/{IDS[11]}"),
                {"adSlotRenderer": {"fulfillmentContent": video_item(IDS[7])}},
                {"compactPromotedVideoRenderer": {"videoId": IDS[6]}},
                {"compactRadioRenderer": {"videoId": IDS[6]}},
                {"reelShelfRenderer": {"items": [lockup(IDS[5])]}},
                {"shelfRenderer": {"content": {"verticalListRenderer": {"items": [video_item(IDS[12])]}}}},
                video_item(IDS[9], "compactVideoRenderer", navigationEndpoint=shorts_link),
                video_item(IDS[13], "compactVideoRenderer", thumbnailOverlays=shorts_style),
                video_item(IDS[3], "compactVideoRenderer", thumbnailOverlays=live_style),
                {"itemSectionRenderer": {"contents": [lockup(IDS[4]), lockup(IDS[0])]}},
                more_item("TOKEN"),
            ]
        )
    )
    assert ids(page) == [IDS[0], IDS[1], IDS[3], IDS[4]]
    assert [video.is_live for video in page.videos] == [False, False, True, False]
    assert (page.continuation, page.videos[0].title, page.failure) == ("TOKEN", "A title", None)


@pytest.mark.parametrize(
    "item",
    [
        more_item("TOKEN"),
        {
            "continuationItemRenderer": {
                "button": {"buttonRenderer": {"command": {"continuationCommand": {"token": "TOKEN"}}}}
            }
        },
        {
            "continuationItemRenderer": {
                "continuationEndpoint": {
                    "commandExecutorCommand": {"commands": [{"continuationCommand": {"token": "TOKEN"}}]}
                }
            }
        },
        {
            "continuationItemViewModel": {
                "continuationCommand": {"innertubeCommand": {"continuationCommand": {"token": "TOKEN"}}}
            }
        },
    ],
)
def test_continuation_is_found_in_each_of_its_places(item: dict[str, Any]) -> None:
    assert parse(related([lockup(IDS[0]), item])).continuation == "TOKEN"
    assert parse(search([video_item(IDS[0]), item])).continuation == "TOKEN"
    assert parse(search([video_item(IDS[0])], item)).continuation == "TOKEN"
    grid = {"richGridRenderer": {"contents": [{"richItemRenderer": {"content": lockup(IDS[0])}}, item]}}
    assert parse(browse(grid)).continuation == "TOKEN"


def test_older_continuation_beside_the_results_is_found() -> None:
    older = [{"nextContinuationData": {"continuation": "TOKEN"}}]
    assert parse(related([lockup(IDS[0])], continuations=older)).continuation == "TOKEN"


@pytest.mark.parametrize(
    ("root", "action", "kind"),
    [
        ("onResponseReceivedEndpoints", "appendContinuationItemsAction", "related_continuation"),
        ("onResponseReceivedEndpoints", "reloadContinuationItemsCommand", "related_continuation"),
        ("onResponseReceivedCommands", "appendContinuationItemsAction", "search_continuation"),
        ("onResponseReceivedActions", "appendContinuationItemsAction", "browse_continuation"),
    ],
)
def test_continuation_answer_gives_items_and_next_token(root: str, action: str, kind: str) -> None:
    listed = [lockup(IDS[0]), {"richItemRenderer": {"content": video_item(IDS[1])}}, more_item("NEXT")]
    page = parse({root: [{"clickTrackingParams": "x", action: {"continuationItems": listed}}]})
    assert (page.kind, ids(page), page.continuation) == (kind, IDS[:2], "NEXT")


def test_first_answer_with_received_actions_is_read_by_its_contents() -> None:
    answer = related([lockup(IDS[0])])
    answer["onResponseReceivedEndpoints"] = [{"appendContinuationItemsAction": {"continuationItems": [lockup(IDS[1])]}}]
    assert ids(parse(answer)) == IDS[:1]


def test_search_leaves_inserted_shelves_out() -> None:
    shelf = {"shelfRenderer": {"content": {"verticalListRenderer": {"items": [video_item(IDS[1])]}}}}
    channel = {"channelRenderer": {"videoId": IDS[2]}}
    assert ids(parse(search([video_item(IDS[0]), shelf, channel, video_item(IDS[3])]))) == [IDS[0], IDS[3]]


@pytest.mark.parametrize(
    "content",
    [
        {"gridRenderer": {"items": [video_item(IDS[0], "gridVideoRenderer")]}},
        {"expandedShelfContentsRenderer": {"items": [video_item(IDS[0])]}},
        {"horizontalListRenderer": {"items": [video_item(IDS[0], "gridVideoRenderer")]}},
        {"verticalListRenderer": {"items": [lockup(IDS[0])]}},
    ],
)
def test_browse_page_reads_its_shelves(content: dict[str, Any]) -> None:
    section = {"itemSectionRenderer": {"contents": [{"shelfRenderer": {"content": content}}]}}
    page = parse(browse({"sectionListRenderer": {"contents": [section]}}))
    assert (page.kind, ids(page)) == ("browse", IDS[:1])


def test_browse_page_reads_rich_grid_with_sections() -> None:
    rich = {"richItemRenderer": {"content": video_item(IDS[1])}}
    shelf = {"richSectionRenderer": {"content": {"richShelfRenderer": {"contents": [rich]}}}}
    grid = {"richGridRenderer": {"contents": [{"richItemRenderer": {"content": lockup(IDS[0])}}, shelf]}}
    assert ids(parse(browse(grid))) == IDS[:2]


def test_browse_alert_without_contents_gives_its_class() -> None:
    alert = {"alertRenderer": {"type": "ERROR", "text": {"simpleText": "This channel does not exist."}}}
    assert parse({"alerts": [alert]}).failure == "removed"


def test_data_api_search_list_gives_ids_and_page_token() -> None:
    items = [
        {
            "id": {"kind": "youtube#video", "videoId": IDS[0]},
            "snippet": {"title": "A title", "liveBroadcastContent": "live"},
        },
        {"id": {"kind": "youtube#channel", "channelId": "UC1"}},
    ]
    page = parse({"kind": "youtube#searchListResponse", "nextPageToken": "CAUQAA", "items": items})
    assert (page.kind, ids(page), page.continuation) == ("data_api_search", IDS[:1], "CAUQAA")
    assert page.videos[0].is_live


def test_data_api_video_list_gives_duration_and_views() -> None:
    details = {"contentDetails": {"duration": "PT1H2M3S"}, "statistics": {"viewCount": "42"}}
    page = parse({"kind": "youtube#videoListResponse", "items": [{"id": IDS[0], **details}]})
    assert (page.kind, page.videos[0].duration_s, page.videos[0].view_count) == ("data_api_videos", 3723.0, 42)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"code": 403, "message": "quota", "errors": [{"reason": "quotaExceeded"}]}, "rate_limited"),
        ({"code": 403, "message": "denied"}, "http_403"),
        ({"code": 404}, "http_404"),
        ({"code": 429}, "http_429"),
        ({"code": 503}, "http_5xx"),
    ],
)
def test_error_object_gives_its_class(error: dict[str, Any], failure: str) -> None:
    page = parse({"error": error})
    assert (page.kind, page.failure) == ("error", failure)


@pytest.mark.parametrize(
    "answer",
    [
        related([]),
        related([lockup("RDabc", "PLAYLIST")]),
        search([{"backgroundPromoRenderer": {"title": {"runs": [{"text": "No results found"}]}}}]),
        browse({"richGridRenderer": {"contents": []}}),
        {"contents": {"twoColumnBrowseResultsRenderer": {"tabs": []}}},
        {"onResponseReceivedCommands": [{"appendContinuationItemsAction": {"continuationItems": []}}]},
        {"kind": "youtube#searchListResponse", "items": []},
        {"contents": {"sectionListRenderer": {"contents": [{"musicAnalyticsSectionRenderer": {"content": {}}}]}}},
    ],
)
def test_known_shape_without_a_video_is_an_empty_page(answer: dict[str, Any]) -> None:
    page = parse(answer)
    assert (page.failure, page.videos) == ("empty_page", ())
    assert page.kind != "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[1]",
        "null",
        '"a"',
        "{",
        '{"contents":',
        "<html></html>",
        '{"contents": {"newShape": {}}}',
        "\x00",
    ],
)
def test_page_without_a_known_shape_is_a_classed_failure(text: str) -> None:
    page = parse_page(text)
    assert (page.kind, page.failure, page.videos) == ("unknown", "unknown_page_shape", ())
    assert page.failure_detail


def test_older_answer_in_parts_and_wrapped_answer_are_read() -> None:
    player = {"playerResponse": {"playabilityStatus": {"status": "OK"}}}
    assert ids(parse([{"page": "watch"}, player, {"page": "watch", "response": related([lockup(IDS[0])])}])) == IDS[:1]
    assert ids(parse({"response": related([lockup(IDS[0])])})) == IDS[:1]


@pytest.mark.parametrize(
    ("status", "reason", "failure"),
    [
        ("LOGIN_REQUIRED", "Sign in to confirm you\u2019re not a bot", "bot_check"),
        ("LOGIN_REQUIRED", "Sign in to confirm your age", "age_restricted"),
        ("UNPLAYABLE", "This content isn\u2019t available, try again later.", "rate_limited"),
        ("UNPLAYABLE", "Join this channel to get access to members-only content like this video.", "members_only"),
        ("UNPLAYABLE", "This video requires payment to watch.", "premium"),
        ("ERROR", "Video unavailable", "removed"),
        ("ERROR", "This video has been removed by the uploader", "removed"),
        ("LIVE_STREAM_OFFLINE", "Premieres in 3 hours", "upcoming"),
        ("LIVE_STREAM_OFFLINE", None, "upcoming"),
        ("CONTENT_CHECK_REQUIRED", None, "age_restricted"),
        ("ERROR", "Something new", "unknown_refusal"),
        (None, "Something new", "unknown_refusal"),
    ],
)
def test_playability_text_gives_its_class(status: str, reason: str | None, failure: str) -> None:
    page = parse({"playabilityStatus": {"status": status, "reason": reason}})
    assert (page.kind, page.failure) == ("player", failure)
    assert page.failure in FAILURES


@pytest.mark.parametrize(
    ("screen", "failure", "detail"),
    [
        ({"playerCaptchaViewModel": {"title": "Prove it"}}, "bot_check", "Prove it"),
        ({"playerErrorMessageRenderer": {"playerCaptchaViewModel": {}}}, "bot_check", "captcha"),
        (
            {
                "playerInterstitialRenderer": {
                    "content": {"interstitialViewModel": {"description": {"content": "This video is private"}}}
                }
            },
            "private",
            "This video is private",
        ),
        ({"somethingNew": {"text": {"simpleText": "Come back on Tuesday"}}}, "unknown_refusal", "Come back on Tuesday"),
        ({"somethingNew": [{"title": "Confirm your age"}]}, "age_restricted", "Confirm your age"),
        ({"playerLegacyDesktopYpcOfferRenderer": {}}, "premium", "UNPLAYABLE"),
        ({}, "unknown_refusal", "UNPLAYABLE"),
        ([1], "unknown_refusal", "UNPLAYABLE"),
    ],
)
def test_refusal_in_any_shape_has_the_class_of_its_words(screen: Any, failure: str, detail: str) -> None:
    page = parse({"playabilityStatus": {"status": "UNPLAYABLE", "errorScreen": screen}})
    assert page.failure == failure
    assert page.failure_detail and detail in page.failure_detail


def test_half_a_surrogate_pair_in_a_title_is_mended() -> None:
    text = '{"videoDetails": {"videoId": "video_00000", "title": "a\\ud83db"}}'
    title = parse_page(text).videos[0].title
    assert title is not None
    assert title.encode()
