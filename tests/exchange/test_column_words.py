"""What every column of an export is: unit and definition, from the code, else from the document."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pytomo_scrapy.exchange import column_words as module
from pytomo_scrapy.exchange.column_words import WITHOUT_UNIT, column_facts, column_words
from pytomo_scrapy.exchange.datasets import SHAPES, ExportSelection, datasets

DOCUMENT = """# Data format

### toy

| `size_bytes` | integer | bytes | How much there is. | never |

## Next
"""


@pytest.mark.parametrize(
    ("source", "described"),
    [
        ("toy.size_bytes", ("bytes", "How much there is.", "never")),
        ("toy.other", ("", "", "")),
        ("other.size_bytes", ("", "", "")),
    ],
)
def test_column_that_the_code_does_not_describe_is_described_by_the_document(
    source: str, described: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "data_format", lambda: DOCUMENT)
    assert column_words.__wrapped__(source) == described


def test_figure_that_is_copied_is_what_its_source_is() -> None:
    words = column_words("figure.startup_delay_s")
    assert words.meaning == "startup delay: t0 to the first frame (of the headline's player)"
    assert (words.unit, words.null) == ("s", "not started: right-censored at horizon_s")
    assert (
        column_words("figure.delivery_bps").meaning
        == "delivery rate: 8 × received_bytes / active_s (of the first window)"
    )
    assert column_words("figure.failure") == column_words("measurement.failure")


def test_file_says_of_a_column_only_what_is_known() -> None:
    assert column_facts("figure.is_valid")["source"] == "figure.is_valid"
    assert "" not in column_facts("video.title").values()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_column_of_every_export_has_its_unit_and_a_definition_of_its_own(shape: str) -> None:
    for dataset in datasets(shape, ExportSelection()):
        words = {column.name: column_words(column.source) for column in dataset.columns}
        for name, one in words.items():
            place = f"{dataset.name}.{name}: {one}"
            assert one.unit, place
            assert one.unit not in WITHOUT_UNIT or not name.endswith(("_s", "_bytes", "_bps", "_ratio", "_px")), place
            assert len(one.meaning) >= 12 and " " in one.meaning, place
            assert not re.match(r"(of|the same|as|its?|that|→) ", one.meaning), f"no definition by itself: {place}"
            assert not re.fullmatch(r"`?\w+\.\w+`?.*", one.meaning), f"names another column instead: {place}"
        shared = [meaning for meaning, count in Counter(one.meaning for one in words.values()).items() if count > 1]
        assert shared == [], f"{dataset.name}: {shared}"


def test_number_of_a_row_says_of_which_table() -> None:
    assert column_words("measurement.id").meaning == "number of the row in the table `measurement`"
    assert column_words("figure.run_id").meaning == "number of the row in the table `run` that this belongs to"
    assert [column_words(f"figure.{name}").unit for name in ("stall_count", "is_valid", "host", "status")] == [
        "count", "none", "text", "code",
    ]  # fmt: skip
