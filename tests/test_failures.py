"""The vocabulary of failures is closed, attributed and documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.failures import FAILURES, Attribution, MeasurementError, Stage, attribution_of, is_skip
from pytomo_scrapy.items import VideoItem

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_error_with_a_word_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(KeyError):
        MeasurementError("gone_fishing")


def test_attribution_of_network_failures_counts_against_the_line() -> None:
    for name in ("dns_timeout", "reset", "first_byte_timeout", "no_progress", "truncated"):
        assert attribution_of(name) is Attribution.NETWORK
    for name in ("private", "bot_check", "worker_died", "unknown_failure", "http_403"):
        assert attribution_of(name) is not Attribution.NETWORK
    assert attribution_of(None) is None


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
