"""The vocabulary of failures is closed, attributed and documented: a new class is one row of it."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from starlette.testclient import TestClient

from docs import generate
from docs.generators import failure_tables
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.failures import (
    FAILURES,
    REFUSALS,
    Attribution,
    FailureClass,
    MeasurementError,
    Stage,
    advice_on,
    attribution_of,
    is_skip,
    meaning_of,
    was_refused,
)
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.reporting import pdf, pdf_text
from pytomo_scrapy.reporting.terminal import print_measurement
from pytomo_scrapy.storage.database import open_database
from tests.storage.factories import begin, make_failed

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_error_with_a_word_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(KeyError):
        MeasurementError("gone_fishing")


def test_attribution_of_network_failures_counts_against_the_line() -> None:
    for name in ("dns_timeout", "reset", "first_byte_timeout", "no_progress", "truncated"):
        assert attribution_of(name) is Attribution.NETWORK
    for name in ("private", "bot_check", "worker_died", "unknown_failure", "http_403", "media_gated", "url_expired"):
        assert attribution_of(name) is not Attribution.NETWORK
    assert attribution_of(None) is None


def test_class_of_another_version_is_nobodys_fault_and_reads_all_the_same() -> None:
    assert attribution_of("gone_fishing") is Attribution.UNKNOWN
    assert meaning_of("gone_fishing") == ""


def test_refusals_are_what_the_service_keeps_from_a_guest() -> None:
    refusals = {name for name, row in FAILURES.items() if row.is_refusal}
    assert {"bot_check", "rate_limited", "consent_wall", "http_403", "http_429", "http_4xx"} <= refusals
    assert {"no_url_formats", "po_token", "js_challenge", "client_broken"} <= refusals
    # A lasting refusal and trouble of the service are not the same, and nobody is given what is private.
    assert not refusals & {"private", "age_restricted", "geo_restricted", "http_5xx", "http_404", "wrong_content"}
    assert all(FAILURES[name].attribution is Attribution.SERVICE for name in refusals)
    assert refusals >= REFUSALS


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (None, False),
        ("bot_check", True),
        ("private", False),
        ("reset", False),
        ("data_cap", None),
        ("unknown_failure", None),
        ("gone_fishing", None),
    ],
)
def test_was_refused_is_not_known_where_the_service_did_not_answer(failure: str | None, expected: bool | None) -> None:
    assert was_refused(failure) is expected


def test_item_keeps_its_first_failure_and_no_skip() -> None:
    item = VideoItem("youtube", "x" * 11, "https://www.youtube.com/watch?v=" + "x" * 11, "uuid")
    item.fail(Stage.DNS, "skipped_after_resolve")
    assert item.failure is None
    item.fail(Stage.DNS, "dns_timeout", "system")
    item.fail(Stage.DOWNLOAD, "reset")
    assert (item.failure, item.failure_stage, item.failure_detail) == ("dns_timeout", Stage.DNS, "system")
    assert is_skip("skipped_after_dns") and not is_skip(None) and not is_skip("reset")


def test_every_class_has_its_row_in_the_docs() -> None:
    rows = {
        cells[1].strip().strip("`"): cells[2].strip()
        for line in (DOCS / "failures.md").read_text().splitlines()
        if line.startswith("| `") and len(cells := line.split("|")) > 3
    }
    assert rows == {name: str(failure.attribution) for name, failure in FAILURES.items()}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=lambda failure: failure.name)
def test_every_class_says_what_it_means_and_what_to_do(failure: FailureClass) -> None:
    assert failure.meaning and not failure.meaning.endswith(".")
    assert failure.advice[0].isupper() and failure.advice.endswith(".")
    assert failure.advice.count("`") % 2 == 0 and "`" not in failure.plain_advice


def test_advice_on_no_class_or_one_of_a_later_version_is_empty() -> None:
    assert advice_on(None) == advice_on("gone_fishing") == ""


TOY = FailureClass("gone_fishing", Attribution.SERVICE, "the service is at the lake", "Bring it back: `whistle`.")


@pytest.fixture
def toy_class(monkeypatch: pytest.MonkeyPatch) -> FailureClass:
    """A new class, added as its row in the table would add it."""
    monkeypatch.setitem(FAILURES, TOY.name, TOY)
    return TOY


@pytest.fixture
def toy_page(toy_class: FailureClass, tmp_path: Path) -> TestClient:
    """The web page over a database in which one video failed in the new way."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    database = open_database(url)
    repository, run = begin(database)
    repository.save(make_failed(Stage.RESOLVE, toy_class.name), run)
    database.close()
    return TestClient(create_app(DashboardConfig(url, tmp_path)))


def test_new_class_is_in_both_documents(toy_class: FailureClass) -> None:
    regions = failure_tables.regions()
    texts = {path.name: generate.rewritten(path.read_text(encoding="utf-8"), generate.all_regions() | regions)
             for path in (DOCS / "failures.md", DOCS / "troubleshooting.md")}  # fmt: skip
    assert "| `gone_fishing` | service | the service is at the lake | no |" in texts["failures.md"]
    assert "| `gone_fishing` | Bring it back: `whistle`. |" in texts["troubleshooting.md"]


@pytest.mark.parametrize("address", ["/failures", "/measurement/1"])
def test_new_class_has_its_meaning_and_advice_on_the_page(toy_page: TestClient, address: str) -> None:
    with toy_page:
        text = re.sub(r"\s+", " ", toy_page.get(address).text)
    assert "the service is at the lake" in text and "Bring it back: whistle." in text


@pytest.mark.slow
def test_new_class_has_its_advice_in_the_pdf(
    toy_page: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    show = pdf_text.plain
    monkeypatch.setattr(pdf_text, "plain", lambda text: said.append(text) or show(text))
    pdf.write_pdf_report(tmp_path / "x.db", tmp_path / "x.pdf")
    assert "Bring it back: whistle." in said


@pytest.mark.slow
def test_new_class_has_its_meaning_and_advice_in_the_terminal(toy_class: FailureClass) -> None:
    out = StringIO()
    video = {"title": "A clip", "video_id": "x", "url": "https://x.example/"}
    record = {"video": video, "failure": toy_class.name, "failure_stage": "resolve", "attribution": "service"}
    print_measurement(Console(file=out, width=100), record)
    assert "the service is at the lake" in out.getvalue() and "What to do: Bring it back: whistle." in out.getvalue()
