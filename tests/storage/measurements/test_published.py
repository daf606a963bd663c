"""What leaves the pipelines for a feed: all results, and nothing that the database would not keep."""

from __future__ import annotations

import json
from dataclasses import replace

from scrapy.utils.serialize import ScrapyJSONEncoder

from pytomo_scrapy.items.sabr_source import SabrClient, SabrSource
from pytomo_scrapy.storage.measurements.published import published
from tests.storage.factories import CLIENT, VIDEO_HOST, make_format, make_item, make_resolve


def test_item_for_a_feed_has_no_signed_part_and_no_client_address() -> None:
    detail = f"403 for https://{VIDEO_HOST}/x?sig=SECRET, asked from {CLIENT}"
    resolve = make_resolve(formats=(make_format(),), client_address=CLIENT, player_config={"url": f"/a?ip={CLIENT}"})
    item = make_item(resolve=replace(resolve, failure_detail=detail), failure_detail=detail)
    text = ScrapyJSONEncoder().encode(published(item, keeps_client_address=False))
    assert "SECRET" not in text and CLIENT not in text and "Cookie" not in text
    assert json.loads(text)["resolve"]["formats"][0]["url"] == f"https://{VIDEO_HOST}/videoplayback?[removed]"
    assert CLIENT in ScrapyJSONEncoder().encode(item), "the item itself is not changed"


def test_item_for_a_feed_has_nothing_that_sabr_is_asked_with() -> None:
    source = SabrSource(f"https://{VIDEO_HOST}/sabr?sig=SECRET", VIDEO_HOST, 443, "Q09ORklH", SabrClient(101, "1.02"))
    item = make_item(resolve=make_resolve(sabr=source, sabr_formats=(make_format(),)))
    text = ScrapyJSONEncoder().encode(published(item, keeps_client_address=True))
    assert "SECRET" not in text and "Q09ORklH" not in text


def test_item_for_a_feed_keeps_every_result() -> None:
    item = make_item()
    shown = published(item, keeps_client_address=True)
    same = ("uuid", "title", "dns", "ping", "downloads", "timelines", "playbacks", "join_time_s", "networks")
    assert {name: getattr(shown, name) for name in same} == {name: getattr(item, name) for name in same}
    assert shown.resolve is not None and item.resolve is not None
    assert shown.resolve.client_address == item.resolve.client_address
    assert len(shown.resolve.formats) == len(item.resolve.formats)
