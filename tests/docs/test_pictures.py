"""Pictures of the web page in the documents: small, wide as a screen, with words, where the page is described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import screenshots

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", screenshots.PICTURES)
def test_picture_is_small_and_as_wide_as_a_screen(name: str) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    path = screenshots.IMAGES / f"dashboard-{name}.png"
    assert path.stat().st_size <= screenshots.MAX_BYTES
    with image.open(path) as opened:
        assert opened.size == (screenshots.WIDTH_PX, screenshots.PICTURES[name][1])


def test_document_of_the_page_shows_every_picture_once_and_no_other_is_kept() -> None:
    text = (ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]{30,}\]\(images/dashboard-(\w+)\.png\)", text)
    assert shown == list(screenshots.PICTURES)
    kept = {path.name for path in screenshots.IMAGES.glob("*.png")}
    assert {name for name in kept if not name.startswith("cause-")} == {f"dashboard-{name}.png" for name in shown}


def test_document_of_causes_shows_a_small_picture_of_each_that_is_kept() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    text = (ROOT / "docs" / "autopsy.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]{30,}\]\(images/cause-(\w+)\.png\)", text)
    assert shown == list(screenshots.CAUSES)
    assert {path.name for path in screenshots.IMAGES.glob("cause-*.png")} == {f"cause-{name}.png" for name in shown}
    for name in shown:
        path = screenshots.IMAGES / f"cause-{name}.png"
        assert path.stat().st_size <= screenshots.MAX_BYTES
        with image.open(path) as opened:
            assert opened.width == screenshots.WIDTH_PX


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_picture_has_words_for_who_cannot_see_it(path: Path) -> None:
    for words in re.findall(r"!\[([^\]]*)\]\(", path.read_text(encoding="utf-8")):
        assert len(words.split()) >= 5, f"{path.name}: {words!r}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_begins_with_what_it_is_for(path: Path) -> None:
    title, first = path.read_text(encoding="utf-8").split("\n\n")[:2]
    assert title.startswith("# ") and "\n" not in title
    assert re.match(r"[A-Z`]", first) and re.search(r"[.:]( |\n|$)", first), f"{path.name} begins with {first[:60]!r}"
