"""The example reads an export with pandas and draws what it says."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.synthetic import fill
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import export
from pytomo_scrapy.storage.database import open_database
from tests.conftest import missing

SCRIPT = Path(__file__).resolve().parents[1] / "examples" / "figures.py"


@pytest.fixture
def example() -> ModuleType:
    for name in ("pandas", "matplotlib"):
        if importlib.util.find_spec(name) is None:
            missing(f"{name} is not installed (the extra dev)")
    import matplotlib

    matplotlib.use("agg")
    spec = importlib.util.spec_from_file_location("figures", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_startup_curve_counts_what_never_started_and_its_interval_holds_it(example: ModuleType) -> None:
    import pandas

    # Four sessions, one of which never started: 1/4 by 1 s, 3/4 by 2 s, and no more.
    sessions = pandas.DataFrame(
        {"vantage": ["here"] * 4, "startup_delay_s": [2.0, 1.0, 2.0, None], "is_started": [1, 1, 1, 0]}
    )
    ((times, share, low, high),) = example.startup_curves(sessions).values()
    assert list(times) == [1.0, 2.0] and list(share) == [0.25, 0.75]
    # Wilson's interval of 1 in 4: (0.25 + 3.8415/8 -+ 1.96 sqrt(0.25 x 0.75 / 4 + 3.8415/64)) / (1 + 3.8415/4)
    assert (round(low[0], 4), round(high[0], 4)) == (0.0456, 0.6994)


def test_every_resolver_is_drawn_and_a_look_up_without_answer_never_comes(example: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "dns_lookup.csv").write_text(
        "id,resolver,elapsed_s,failure\n1,system,0.01,\n2,system,4.0,dns_timeout\n3,google,0.02,\n"
    )
    look_ups = example.read_look_ups(tmp_path)
    assert set(look_ups["resolver"]) == {"system", "google"}
    times, share, _, _ = example.curve(look_ups.loc[look_ups["resolver"] == "system", "elapsed_s"].to_numpy())
    assert (list(times), list(share)) == ([0.01], [0.5])


@pytest.mark.slow
def test_figures_are_drawn_from_an_export(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    fill(database, 100, days=10, videos=20, traces=1)
    export(database, tmp_path / "out", "csv", "tables", ExportSelection())
    database.close()
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path / "out")])
    # As `python examples/figures.py` does, where pandas and matplotlib are imported already. Warnings are errors.
    runpy.run_path(str(SCRIPT), run_name="__main__")
    example.pyplot.close("all")
    drawn = tmp_path / "out" / "figures.png"
    assert capsys.readouterr().out == f"{drawn}\n"
    from PIL import Image

    with Image.open(drawn) as picture:
        assert picture.width > 1500
        assert len(picture.convert("RGB").getcolors(1_000_000) or []) > 20
