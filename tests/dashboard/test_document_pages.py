"""The documents on the page: in reading order, with a search, and links that lead to their heading."""

from __future__ import annotations

import logging
import re
from html import unescape

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard.document_search import anchor_of, search, sections
from pytomo_scrapy.dashboard.documents import _html, documents, groups


def test_documents_stand_in_the_reading_order_of_the_index(client: TestClient) -> None:
    names = re.findall(r'href="/docs/([a-z0-9-]+)"', client.get("/docs").text)
    assert names[:4] == ["quickstart", "first-week", "cli", "settings"]
    assert set(names) == set(documents()) == {name for _, listed in groups() for name, _ in listed}
    # None is left over: the table of index.md names all of them.
    assert [words for words, _ in groups()][-1] != "read more"
    assert 'Next: <a rel="next" href="/docs/first-week">' in client.get("/docs/quickstart").text


def test_document_is_shown_without_a_log_of_each_of_its_lines(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    _html.cache_clear()
    with caplog.at_level(logging.NOTSET):
        assert client.get("/docs/metrics").status_code == 200
    assert not [record for record in caplog.records if record.name.startswith("markdown_it")]


def test_search_finds_sections_and_links_to_their_heading(client: TestClient) -> None:
    page = client.get("/docs?q=Aalen").text
    (first, *_) = re.findall(r'<li><a href="/docs/([a-z-]+)#([a-z0-9-]+)">', page)
    assert first[0] == "metrics"
    assert re.search(rf'<h\d id="{first[1]}">', client.get(f"/docs/{first[0]}").text)
    assert "<mark>Aalen</mark>" in page


def test_search_needs_all_words_and_shows_no_markup_of_the_visitor(client: TestClient) -> None:
    page = client.get("/docs", params={"q": "stall <script>alert(1)</script>"}).text
    assert "0 sections" in page and "<script>alert" not in page
    assert "No section has all of these words" in unescape(page)


def test_every_link_to_a_heading_finds_it(client: TestClient) -> None:
    pages = {name: client.get(f"/docs/{name}").text for name in documents()}
    ids = {name: set(re.findall(r'<h\d id="([^"]+)"', page)) for name, page in pages.items()}
    links = {
        (name, target or name, anchor)
        for name, page in pages.items()
        for target, anchor in re.findall(r'href="(?:/docs/([a-z0-9-]+))?#([^"]+)"', page[page.index("<article>") :])
    }
    assert len(links) > 10
    assert [link for link in links if link[2] not in ids[link[1]]] == []


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What counts together", "what-counts-together"),
        ("`a_b`: é, twice", "a_b-e-twice"),
        ("In a  chart", "in-a-chart"),
    ],
)
def test_anchor_is_the_one_that_the_built_site_has(heading: str, anchor: str) -> None:
    assert anchor_of(heading) == anchor


def test_section_ends_at_the_next_heading_and_code_is_none() -> None:
    text = "# A\none [two](x.md)\n```\n# no heading\n```\n## B `c`\n| three | four |\n"
    assert list(sections(text)) == [("A", "one two no heading"), ("B c", "three four")]


def test_headings_come_before_mentions() -> None:
    found = search({"a": "# One\nstalls\n", "b": "# Two\n\n## Stalls\nwhat they are\n"}, "stalls")
    assert [(section.document, section.anchor) for section in found] == [("b", "stalls"), ("a", "one")]


def test_search_finds_a_word_where_it_begins_or_in_a_name_and_not_within_another() -> None:
    texts = {"a": "# Install\n\ninstall it", "b": "# Stalls\n\n<!-- generated: x -->\n| `has_stall` |\n|---|\n| one |"}
    [found] = search(texts, "stall")
    assert (found.document, found.anchor, found.before + found.word + found.after) == ("b", "stalls", "has_stall one")
