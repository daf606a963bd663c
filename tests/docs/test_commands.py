"""Every block of commands in README and docs is run by a shell, in one lab."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs import shell
from tests.docs.stand_in import NOT_RUN
from tests.e2e.conftest import clean_environment, query
from tests.running.labs import shared_lab

ROOT = shell.ROOT
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Fences of these languages hold no commands: layouts, output, synopses, programs.
NO_COMMANDS = {"text", "json", "python", "sql", "ini"}
PASSWORD_URL = "postgresql://pytomo:PASSWORD@db.example/pytomo?sslmode=verify-full"
# Blocks that are not run here, by their first line, with the reason.
ELSEWHERE = {
    "pip install 'pytomo-scrapy[scrapyd]'": "tests/e2e/test_scrapyd.py does it",
    "useradd --system --home-dir /var/lib/pytomo pytomo": "changes the machine",
    "install -m 0600 /dev/null /etc/pytomo/secrets": "changes the machine",
    "export PYTOMO_PASSWORD=something-long PYTOMO_READER_PASSWORD=another-one": "tests/deploy/test_roles.py does it",
    "pytomo lab --world clean crawl -u 40 -r 2 -D 2 -S 0 --database study.db": "40 videos: tests/e2e/test_study.py",
    "pytomo study report examples/study.toml --database study.db": "of the study above: tests/e2e/test_study.py",
}
# What a reader has measured before the documents about what was measured.
FIRST_CRAWL = "pytomo crawl -t week -u 50"


@cache
def blocks(path: Path) -> list[str]:
    """Return the blocks of commands of a document, in their order."""
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    code = [one for one in tokens if one.type == "code_block" or one.type == "fence"]
    return [one.content for one in code if one.info.partition(" ")[0] not in NO_COMMANDS]


def first_words(block: str) -> str:
    return block.splitlines()[0].partition(" #")[0].strip()


def documents_with_commands() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in DOCUMENTS if blocks(path)]


def run_block(block: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    # In the environment of a lab the test that began it is named.
    named = {name: os.environ[name] for name in ("PYTEST_CURRENT_TEST",) if name in os.environ}
    return subprocess.run(
        ["bash", "-e", "-u", "-x", "-o", "pipefail", "-c", block],
        cwd=folder, env={**environment, **named}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip


@dataclass(frozen=True)
class Before:
    """What all documents share: a lab, a measurement to read, and the file of what they have run."""

    environment: dict[str, str]
    measured: Path
    has_run: Path


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Before:
    folder = tmp_path_factory.mktemp("before")
    has_run = folder / "has-run"
    environment = shared_lab().environment(clean_environment())
    done = run_block(FIRST_CRAWL, folder, {**environment, **shell.make_shell(folder, has_run)})
    assert done.returncode == 0, done.stderr
    return Before(environment, folder / "databases" / "pytomo.db", has_run)


@pytest.mark.process
@pytest.mark.parametrize("document", documents_with_commands())
def test_commands_of_a_document_run(
    tmp_path: Path, document: str, before: Before, request: pytest.FixtureRequest
) -> None:
    changes = shell.make_shell(tmp_path, before.has_run, measured=before.measured)
    for block in blocks(ROOT / document):
        if first_words(block) in ELSEWHERE:
            continue
        if PASSWORD_URL in block:
            block = block.replace(PASSWORD_URL, request.getfixturevalue("postgres_url"))
        done = run_block(block, tmp_path, {**before.environment, **changes})
        assert done.returncode == 0, f"{document}:\n{block}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"


def test_documents_of_first_use_have_commands() -> None:
    first = {"README.md", "docs/quickstart.md", "docs/cli.md", "docs/export.md", "docs/lab.md", "docs/deployment.md"}
    assert first <= set(documents_with_commands())
    assert any(FIRST_CRAWL in block for block in blocks(ROOT / "README.md"))


@pytest.mark.process
def test_block_that_fails_or_is_not_known_is_noticed(tmp_path: Path) -> None:
    environment = {**os.environ, **shell.make_shell(tmp_path, tmp_path / "has-run")}
    for block, code in (("pytomo report --bogus", 2), ("make something", 99), ("no-such-program", 127)):
        assert run_block(block, tmp_path, environment).returncode == code, block


@pytest.mark.process
def test_crawl_with_options_that_others_had_is_checked_and_does_not_begin(tmp_path: Path) -> None:
    has_run = tmp_path / "has-run"
    has_run.write_text("crawl \ncrawl -u\ncrawl -a\na lab was started\npytomo crawl -u 50\n")
    environment = {**clean_environment(), **shell.make_shell(tmp_path, has_run)}
    # There is no lab here that could be measured.
    for words, code in (("-u 50", 0), ("-u 7", 0), ("-u few", 2), ("-u 7 --bogus", 2), ("-u 7 -a max_rounds=few", 2)):
        assert run_block(f"pytomo crawl {words}", tmp_path, environment).returncode == code, words
    assert run_block("pytomo lab --world clean crawl -u 7", tmp_path, environment).returncode == 0
    assert run_block("pytomo lab --world nowhere crawl -u 7", tmp_path, environment).returncode == 1
    assert query(tmp_path / "databases" / "pytomo.db", "SELECT COUNT(*) FROM run") == [(0,)]


@pytest.mark.slow
def test_what_is_not_run_is_still_in_the_documents() -> None:
    texts = "".join(block for path in DOCUMENTS for block in blocks(path)).replace("'", "").replace('"', "")
    for line in (*ELSEWHERE, *NOT_RUN):
        # `make test` in a block, `.venv/bin/pip install .` too.
        assert line.replace("'", "") in texts, f"{line} is in no document: take it out of the list"
