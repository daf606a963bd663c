"""README and docs: their commands have their options, their links lead somewhere, and they leave nothing out."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from scrapy.utils.project import get_project_settings

from pytomo_scrapy import config
from pytomo_scrapy.cli import crawl_letters, scrapy_commands
from pytomo_scrapy.failures import FAILURES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"^(?:    |`{3}sh.*\n)?(pytomo [^\n`|]+)$", re.MULTILINE)


def mentioned() -> list[tuple[str, str]]:
    return [(path.name, line) for path in DOCUMENTS for line in COMMAND.findall(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("document", "line"), mentioned())
def test_every_command_that_is_mentioned_exists_with_its_options(document: str, line: str) -> None:
    words = shlex.split(line.partition(" #")[0])
    assert words[1] in scrapy_commands.names(), f"{document}: {line}"
    command = scrapy_commands.make_command(words[1])
    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "pytomo_scrapy.settings")
    parser = scrapy_commands.make_parser(words[1], command, get_project_settings())
    _, rest = parser.parse_known_args(words[2:])
    assert [word for word in rest if word.startswith("-") and word != "-"] == [], f"{document}: {line}"


SYNOPSIS = re.compile(r"^(?:scrapy|pytomo) ([a-z-]+) (.*[\[{].*)$", re.MULTILINE)


def synopses() -> list[tuple[str, str]]:
    return [found for path in DOCUMENTS for found in SYNOPSIS.findall(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("name", "words"), synopses())
def test_every_option_of_a_synopsis_exists(name: str, words: str) -> None:
    own_name = "serve" if name == "dashboard" else name
    parser = scrapy_commands.make_parser(own_name, scrapy_commands.make_command(own_name), get_project_settings())
    for option in re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", words):
        assert option in parser._option_string_actions, f"scrapy {name} {words}"


def test_there_are_synopses() -> None:
    assert {"serve", "lab", "replay", "plot", "simulate"} <= {name for name, _ in synopses()}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
    for name in re.findall(r"\bdocs/[a-z-]+\.md\b", text):
        assert (ROOT / name).exists(), f"{path.name} names {name}"


# The folders a path in backticks may begin with; any other is written by a user, or is no path.
PACKAGE = ROOT / "pytomo_scrapy"
FOLDERS = {
    folder.name: parent
    for parent in (PACKAGE, ROOT)
    for folder in parent.iterdir()
    if folder.is_dir() and folder.name not in {"databases", "build", "dist"}
}
PATH = re.compile(r"`([a-z_]+/[\w./-]*)`")


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "CONTRIBUTING.md"], ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_backticks_are_there(path: Path) -> None:
    for target in PATH.findall(path.read_text(encoding="utf-8")):
        parent = FOLDERS.get(target.partition("/")[0])
        if parent is not None and "NAME" not in target:
            assert (parent / target).exists(), f"{path.name} names {target}"


def test_tree_of_the_readme_names_every_folder_of_the_package() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = text.partition("```text\npytomo_scrapy/\n")[2].partition("```")[0]
    named = set(re.findall(r"^  (\w+)/ ", tree, re.MULTILINE))
    assert named == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_every_class_of_failure_has_its_advice() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    first_cells = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    advised = set(re.findall(r"`([a-z0-9_]+)`", first_cells))
    assert advised == set(FAILURES)


def test_every_setting_that_a_document_names_exists() -> None:
    not_settings = {
        "PYTOMO_TEST_REQUIRE_ALL",
        "PYTOMO_TEST_KILLS",
        "PYTOMO_TEST_REQUESTS",
        "PYTOMO_TEST_STUDY_VIDEOS",
        "PYTOMO_TEST_SELECTIONS",
        "PYTOMO_TEST_DAMAGED_PAGES",
        "PYTOMO_TEST_HOSTILE_MEGABYTES",
        "PYTOMO_TEST_ALL_LINKS",
        "PYTOMO_TEST_SIMULATED",
        "PYTOMO_YT_DLP",
        "PYTOMO_DASHBOARD_TOKEN",
        *("PYTOMO_PASSWORD", "PYTOMO_READER_PASSWORD", "PYTOMO_ADMIN_PASSWORD"),  # of deploy/compose
        "PYTOMO_NAME",
    }
    # Named as what this version may not have yet.
    conditional = {letter.setting for letter in crawl_letters.LETTERS if letter.setting}
    for path in DOCUMENTS:
        for name in set(re.findall(r"\bPYTOMO_[A-Z0-9_]+[A-Z0-9]\b(?!\*|_\*)", path.read_text(encoding="utf-8"))):
            is_known = name in config.BY_NAME or name in not_settings | conditional
            assert is_known or any(one.startswith(name) for one in config.BY_NAME), f"{path.name} names {name}"


def test_every_stat_has_its_row() -> None:
    text = (ROOT / "docs" / "stats.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(pytomo/[^`]+)`", text, re.MULTILINE))
    names = {"{self.stage}": "STAGE", "{item.failure}": "CLASS"}
    used = set()
    for path in (ROOT / "pytomo_scrapy").rglob("*.py"):
        for found in re.findall(r"f?\"(pytomo/[^\"]+)\"", path.read_text(encoding="utf-8")):
            for part, name in names.items():
                found = found.replace(part, name)
            used.add(found)
    assert used == documented


def test_every_command_and_letter_is_in_the_document_of_the_command() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for letter in crawl_letters.LETTERS:
        assert any(f"`{flag}" in text or f" {flag}" in text for flag in letter.flags), letter.flags
    for name in scrapy_commands.names():
        assert f"| `{name}` |" in text
