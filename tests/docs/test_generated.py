"""The generated regions of the documents: as the code says, each in one place, and never half replaced."""

from __future__ import annotations

import pytest

from docs import generate


def test_every_generated_region_is_fresh_and_shown_once() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in generate.documents()}
    assert generate.problems(texts, generate.all_regions()) == []


def test_rewritten_replaces_what_is_between_the_marks_only() -> None:
    text = "before\n<!-- generated: a b -->\nold\n<!-- end: a b -->\nafter\n"
    fresh = "before\n<!-- generated: a b -->\n\n| new |\n\n<!-- end: a b -->\nafter\n"
    assert generate.rewritten(text, {"a b": "| new |\n"}) == fresh
    assert generate.rewritten(fresh, {"a b": "| new |"}) == fresh


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!-- generated: a -->\n<!-- end: a -->", "nothing generates the region 'a'"),
        ("<!-- generated: a -->\n<!-- end: b -->", "the generated region 'a' ends as 'b'"),
    ],
)
def test_rewritten_refuses_a_region_that_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        generate.rewritten(text, {})


def test_problems_names_what_is_stale_missing_or_shown_twice() -> None:
    stale = "<!-- generated: a -->\nold\n<!-- end: a -->\n"
    assert generate.problems({"one.md": stale, "two.md": stale}, {"a": "new", "b": "new"}) == [
        "one.md is not fresh: run `make documents`",
        "two.md is not fresh: run `make documents`",
        "no document shows the generated region 'b'",
        "the region 'a' is shown twice",
    ]


def test_new_region_stands_behind_the_last_of_its_family_under_a_heading() -> None:
    text = "# D\n\n## Tables\n\n### a\n\n<!-- generated: columns of a -->\n<!-- end: columns of a -->\n\n## Blobs\n"
    regions = {"columns of a": "1", "columns of new": "2", "settings new": "3"}
    grown = generate.with_new_regions(text, regions, {"columns of a"})
    assert grown == text.replace(
        "\n\n## Blobs", "\n\n### new\n\n<!-- generated: columns of new -->\n<!-- end: columns of new -->\n\n## Blobs"
    )
    assert generate.with_new_regions(grown, regions, {"columns of a", "columns of new"}) == grown


def test_heading_of_new_settings_begins_with_a_capital() -> None:
    text = "## Ping\n\n<!-- generated: settings ping -->\n<!-- end: settings ping -->\n"
    assert "\n\n## Route\n\n<!-- generated: settings route -->\n" in generate.with_new_regions(
        text, {"settings ping": "", "settings route": ""}, {"settings ping"}
    )
