"""The example notebook runs from its first cell to its last, over a database as a crawl leaves it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytomo_scrapy.storage.database import open_database

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "notebook.ipynb"


def cells() -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cell(code: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does. Returns the value of its last line, if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(NOTEBOOK), "exec"), names)
    return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names) if last is not None else None


@pytest.mark.slow
def test_notebook_runs_and_its_figures_are_those_of_the_database(
    tmp_path: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pandas, pyplot = pytest.importorskip("pandas"), pytest.importorskip("matplotlib.pyplot")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTOMO_DATABASE_URL", raising=False)
    pyplot.switch_backend("agg")
    database = open_database("sqlite:///databases/pytomo.db")
    synthetic.fill(database, 400, days=12, videos=40, traces=10)
    database.close()
    names: dict[str, Any] = {}
    shown = [run_cell(code, names) for code in cells()]
    frames = [value for value in shown if isinstance(value, pandas.DataFrame)]
    assert len(names["sessions"]) == 400 and len(frames) >= 2
    assert frames[1].loc["startup_delay_s", "unit"] == "s"
    assert names["played"].is_started is not None and len(names["axes"].lines) == 1
    assert (tmp_path / "sessions.parquet").is_file()
    pyplot.close("all")


def test_notebook_is_kept_without_outputs_and_is_whole() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["language"]) == (4, "python")
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for code in cells():
        ast.parse(code)
