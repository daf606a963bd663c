"""The pictures of the documents: as the script draws them today, well formed, and true to the schema."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pytomo_scrapy.crawl.gate import Activity
from pytomo_scrapy.exchange.datasets import metadata
from pytomo_scrapy.failures import Stage
from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "diagrams" / "draw.py"
IMAGES = ROOT / "docs" / "images"
NAMES = ("flow", "gate", "tables", "window")
SVG = "{http://www.w3.org/2000/svg}"
# What a name of a column ends with where it has a unit.
UNITS = ("_s", "_bps", "_bytes", "_ratio", "_count", "_by")

if not SCRIPT.exists():
    missing("docs/diagrams is not part of an installed package")


@pytest.fixture(scope="module")
def main() -> Iterator[Callable[[list[str]], int]]:
    """The script's main function, here and not in a process of its own: to import the pipelines takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        yield importlib.import_module("draw").main


def texts(name: str, *, is_code: bool = False) -> list[str]:
    root = ElementTree.parse(IMAGES / f"{name}.svg").getroot()
    family = "monospace" if is_code else "sans-serif"
    return [one.text or "" for one in root.iter(f"{SVG}text") if not is_code or one.get("font-family") == family]


def test_every_picture_is_what_the_script_draws(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_check_names_what_is_out_of_date_and_writes_nothing(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.svg").write_bytes((IMAGES / f"{name}.svg").read_bytes())
    (tmp_path / "gate.svg").write_text("old")
    (tmp_path / "flow.svg").unlink()
    assert main(["--check", "--directory", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "Out of date: flow.svg, gate.svg. Run: python docs/diagrams/draw.py\n"
    assert (tmp_path / "gate.svg").read_text() == "old" and not (tmp_path / "flow.svg").exists()


@pytest.mark.parametrize("name", NAMES)
def test_picture_says_what_it_shows_and_needs_nothing_else(name: str) -> None:
    text = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    for part in ("title", "desc"):
        found = root.find(f"{SVG}{part}")
        assert found is not None and len(found.text or "") > 10
    assert not [one.tag for one in root.iter() if one.tag in {f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject"}]
    assert "href" not in text and "url(" not in text and "@import" not in text
    assert text.count("://") == 1  # the name of the format itself
    assert {one.get("font-family") for one in root.iter(f"{SVG}text")} <= {"sans-serif", "monospace"}


@pytest.mark.parametrize("name", NAMES)
def test_shape_has_a_light_colour_of_its_own_and_a_dark_one(name: str) -> None:
    root = ElementTree.parse(IMAGES / f"{name}.svg").getroot()
    style = root.findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style
    for shape in root.iter():
        for word in (shape.get("class") or "").split():
            kind = "fill" if word.startswith("f-") else "stroke"
            assert (shape.get(kind) or "").startswith("#") and f".{word}{{{kind}:#" in style


def test_every_name_of_a_column_on_the_window_is_in_the_schema() -> None:
    columns = {name: set(table.columns.keys()) for name, table in metadata.tables.items()}
    known = set().union(*columns.values())
    words = {word for text in texts("window", is_code=True) for word in re.findall(r"[a-z][a-z0-9_.]*", text)}
    named = {word for word in words if word.endswith(UNITS)}
    for word in named:
        table, dot, column = word.rpartition(".")
        assert column in (columns[table] if dot else known), word
    drawn = {word.rpartition(".")[2] for word in named}
    assert drawn >= {
        *("connect_s", "tls_s", "first_byte_s", "active_s", "no_demand_s", "elapsed_s", "window_s", "horizon_s"),
        *("delivery_bps", "delivery_after_2s_bps", "bin_min_bps", "bin_median_bps", "bin_max_bps", "received_bytes"),
        *("startup_delay_s", "stalled_s", "stall_count", "played_s", "start_s", "duration_s", "join_time_s"),
        *("initial_buffer_s", "buffer_end_s", "media_received_s", "stall_ratio", "ended_by"),
    }


def test_flow_has_every_stage_and_tables_every_table_and_gate_every_activity() -> None:
    assert {stage.value for stage in Stage} <= set(texts("flow"))
    assert set(metadata.tables) <= set(texts("tables"))
    assert {activity.name.lower() for activity in Activity} <= set(texts("gate"))
