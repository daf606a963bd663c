"""`pytomo failures`: each class in the words of the documents and the page."""

from __future__ import annotations

import json

from pytomo_scrapy.failures import FAILURES, advice_on
from tests.commands.conftest import Run


def test_class_is_explained_with_whose_fault_it_is_and_what_to_do(run: Run) -> None:
    ended = run("failures", "private", "reset")
    assert (ended.exit_code, ended.errors) == (0, "")
    words = ended.output.split()
    said = [f"private (content): {FAILURES['private'].meaning}", advice_on("private"),
            f"reset (network): {FAILURES['reset'].meaning}", advice_on("reset")]  # fmt: skip
    assert words == " ".join(said).split()


def test_every_class_is_told_to_programs(run: Run) -> None:
    told = json.loads(run("failures", "--json").output)
    assert [one["name"] for one in told] == list(FAILURES)
    assert all(one["meaning"] and one["attribution"] for one in told)
