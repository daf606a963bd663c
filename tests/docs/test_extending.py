"""docs/extending.md: its lists name files that are there, and are no longer than what a change may touch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "extending.md"
FILES = {
    "A probe": 8,
    "A stored column": 4,
    "A class of failure": 3,
    "A graph of a column that is there": 1,
    "A graph of a new column": 3,
    "A setting": 3,
    "A player": 3,
    "A fault of the lab": 2,
    "A service": 4,
    "A name for Python": 5,
}
# Each of these lists is followed by a test with a toy; the others are held by tests that look for what is missing.
FOLLOWED = {
    "A probe": "tests/docs/test_probe_recipe.py",
    "A stored column": "tests/storage/schema/test_revisions.py",
    "A class of failure": "tests/failures/test_classes.py",
    "A graph of a column that is there": "tests/analysis/test_figures.py",
    "A player": "tests/measure/playback/players/test_registry.py",
    "A fault of the lab": "tests/lab/faults/test_registry.py",
}


def recipes() -> dict[str, str]:
    """Return the sections that are lists of files, by their titles."""
    sections = re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        head: body
        for head, _, body in (section.partition("\n") for section in sections)
        if head not in {"A test", "Pictures"}
    }


def test_there_is_a_list_for_each_kind_of_change() -> None:
    assert set(recipes()) == set(FILES)


@pytest.mark.parametrize(("title", "count"), FILES.items())
def test_list_has_as_many_files_as_it_says(title: str, count: int) -> None:
    text = recipes()[title]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert numbers == list(range(1, count + 1))
    assert re.search(rf"(?:[Aa]t most|[Ee]xactly) {count} files?\.\n", text)


@pytest.mark.parametrize(("title", "test"), FOLLOWED.items())
def test_list_names_the_test_that_follows_it(title: str, test: str) -> None:
    assert f"Followed by [`{test}`](../{test})." in recipes()[title].replace("\n", " ")


@pytest.mark.parametrize("title", FILES)
def test_files_that_a_list_names_are_there(title: str) -> None:
    links = re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", recipes()[title])
    assert links
    for name, target in links:
        path = (DOCUMENT.parent / target).resolve()
        assert path.exists(), target
        # The words of a link are the end of its target, or a new file in that folder.
        assert path.as_posix().endswith(name.rstrip("/")) or (path.is_dir() and "NAME" in name), name
        if "NAME" in name:
            assert path.as_posix().endswith(name.rpartition("/")[0])
