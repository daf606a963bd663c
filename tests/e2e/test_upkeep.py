"""Doctor, status and prune, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

from pytomo_scrapy.lab.world import build_world
from pytomo_scrapy.storage.database import open_database
from tests.e2e.conftest import database_setting, run_scrapy

VIDEO = next(iter(build_world("clean").videos))


def test_doctor_in_the_lab_finds_every_stage_and_source_at_work(database: Path) -> None:
    done = run_scrapy(
        "lab", "--world", "clean", "doctor", "--live", "--video", VIDEO, "--json", *database_setting(database)
    )
    found = {one["name"]: one["state"] for one in json.loads(done.output)}
    assert {name: state for name, state in found.items() if name.startswith("stage ")} == dict.fromkeys(
        ("stage resolve", "stage dns", "stage ping", "stage download", "stage playback"), "ok"
    )
    sources = [state for name, state in found.items() if name.startswith("source ")]
    assert len(sources) >= 8 and set(sources) == {"ok"}
    assert found["database"] == "ok" and "fail" not in found.values()
    assert done.exit_code == 0


def test_status_and_prune_of_an_empty_database_say_so(database: Path) -> None:
    open_database(f"sqlite:///{database}").close()
    assert "nothing is that old" in run_scrapy("prune", "--older-than", "1d", *database_setting(database)).output
    assert "no unfinished crawl" in run_scrapy("status", *database_setting(database)).output
    refused = run_scrapy("prune", *database_setting(database))
    assert refused.exit_code == 2 and len(refused.errors.splitlines()) == 1
