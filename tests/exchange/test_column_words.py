"""What every column of an export is: unit and definition, from the code, else from the document."""

from __future__ import annotations

import pytest

from pytomo_scrapy.exchange import column_words as module
from pytomo_scrapy.exchange.column_words import column_facts, column_words
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
    assert words.meaning == "t0 to the first frame (of the headline's player)"
    assert (words.unit, words.null) == ("s", "not started: right-censored at horizon_s")
    assert column_words("figure.delivery_bps").meaning == "8 × received_bytes / active_s (of the first window)"
    assert column_words("figure.failure") == column_words("measurement.failure")


def test_file_says_of_a_column_only_what_is_known() -> None:
    assert column_facts("figure.is_valid")["source"] == "figure.is_valid"
    assert "" not in column_facts("video.title").values()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_column_of_every_export_has_its_definition(shape: str) -> None:
    for dataset in datasets(shape, ExportSelection()):
        for column in dataset.columns:
            words = column_words(column.source)
            assert words.meaning and "copied from" not in words.meaning, f"{dataset.name}.{column.name}"
            assert words.unit or not column.name.endswith(("_s", "_bytes", "_bps", "_ratio", "_px")), column.name
