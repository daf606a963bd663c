"""Doctor, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from pytomo_scrapy.lab.world import build_world
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
