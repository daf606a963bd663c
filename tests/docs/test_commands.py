"""Every block of commands in README and docs is run by a shell, in one lab."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from pytomo_scrapy.lab.servers import LabOptions
from tests.docs import shell
from tests.e2e.conftest import clean_environment
from tests.e2e.postgres import PostgresServer, server  # noqa: F401
from tests.running.labs import own_lab

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
# Documents whose first commands read a database, which the reader has from a crawl.
READING = {
    "docs/export.md": "pytomo db upgrade",
    "docs/publish.md": "pytomo crawl -t week -u 2 -r 1 -D 4 -S 0 --database databases/pytomo.db",
}


def blocks(path: Path) -> list[str]:
    """Return the blocks of commands of a document, in their order."""
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    code = [one for one in tokens if one.type == "code_block" or one.type == "fence"]
    return [one.content for one in code if one.info.partition(" ")[0] not in NO_COMMANDS]


def first_words(block: str) -> str:
    return block.splitlines()[0].partition(" #")[0].strip()


def documents_with_commands() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in DOCUMENTS if blocks(path)]


@pytest.fixture(scope="module")
def in_lab() -> Iterator[dict[str, str]]:
    """The environment of a lab in which all documents share."""
    with own_lab(LabOptions("default")) as lab:
        yield lab.environment(clean_environment())


@pytest.mark.process
@pytest.mark.parametrize("document", documents_with_commands())
def test_commands_of_a_document_run(
    tmp_path: Path, document: str, in_lab: dict[str, str], request: pytest.FixtureRequest
) -> None:
    changes = shell.make_shell(tmp_path)
    for block in [READING.get(document, ":"), *blocks(ROOT / document)]:
        if first_words(block) in ELSEWHERE:
            continue
        if PASSWORD_URL in block:
            postgres: PostgresServer = request.getfixturevalue("server")
            block = block.replace(PASSWORD_URL, postgres.new_database())
        done = subprocess.run(
            ["bash", "-e", "-u", "-x", "-o", "pipefail", "-c", block],
            cwd=tmp_path, env={**in_lab, **changes}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=900, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{document}:\n{block}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"


def test_documents_of_first_use_have_commands() -> None:
    first = {"README.md", "docs/quickstart.md", "docs/cli.md", "docs/export.md", "docs/lab.md", "docs/deployment.md"}
    assert first <= set(documents_with_commands())


@pytest.mark.process
def test_block_that_fails_or_is_not_known_is_noticed(tmp_path: Path) -> None:
    environment = {**os.environ, **shell.make_shell(tmp_path)}
    for block, code in (("pytomo report --bogus", 2), ("make something", 99), ("no-such-program", 127)):
        done = subprocess.run(
            ["bash", "-e", "-c", block], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        assert done.returncode == code, block


@pytest.mark.slow
def test_what_is_not_run_is_still_in_the_documents() -> None:
    texts = "".join(block for path in DOCUMENTS for block in blocks(path)).replace("'", "").replace('"', "")
    for line in (*ELSEWHERE, *shell.NOT_RUN):
        # `make test` in a block, `.venv/bin/pip install .` too.
        assert line.replace("'", "") in texts, f"{line} is in no document: take it out of the list"
