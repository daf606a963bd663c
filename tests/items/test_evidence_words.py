"""The numbers behind a verdict in words: all of them, with their units."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pytomo_scrapy.analysis import autopsy
from pytomo_scrapy.analysis.autopsy.startup_parts import RESOLUTION
from pytomo_scrapy.items.evidence_words import EVIDENCE, STARTUP_PARTS, evidence_words, startup_words

RULES = ("far_rules.py", "near_rules.py", "explaining.py")


def names_of_numbers() -> set[str]:
    """Return the keys of every dictionary that a rule writes numbers into."""
    trees = [ast.parse((Path(autopsy.__file__).parent / name).read_text(encoding="utf-8")) for name in RULES]
    keys = [key for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys]
    return {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def test_every_number_of_a_rule_has_words_and_no_word_is_left_over() -> None:
    assert names_of_numbers() == set(EVIDENCE)


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        ({"host_rtt_s": 2.6e-05}, "round trip to this host 0.03 ms"),
        ({"cpu_ratio": 0.0, "mean_bps": 3e6}, "processor it used 0.0 %; mean rate of the video 3.00 Mbit/s"),
        ({"rate_bps": 330_000.0}, "rate that came 0.33 Mbit/s"),
        ({"host_loss_ratio": 0.0523}, "probes to this host lost 5.2 %"),
        ({"probe_gap_s": 3.25}, "longest time in which it did not run 3.25 s"),
        ({"wifi_signal_dbm": -81.0}, "Wi-Fi signal -81 dBm"),
        ({"silent_resolvers": 2.0}, "silent resolvers 2"),
        ({"number_of_an_older_version": 0.5}, "number_of_an_older_version 0.5"),
        ({}, ""),
        (None, ""),
    ],
)  # fmt: skip
def test_numbers_are_written_with_words_and_units(evidence: dict[str, float] | None, shown: str) -> None:
    assert evidence_words(evidence) == shown


def test_parts_of_a_start_are_written_but_for_those_that_took_no_time() -> None:
    parts = {RESOLUTION: 0.1, "dns": 0.0063, "server_wait": 0.0, "transfer": 4.83}
    assert startup_words(parts) == "finding the media 0.10 s, name look-up 6.3 ms, transfer 4.83 s"
    assert set(parts) < set(STARTUP_PARTS)
