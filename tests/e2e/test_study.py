"""A study in the lab: two lines, killed in the middle, its plan changed on the way, and its account."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import ROOT, query, run_scrapy, scrapy_command
from tests.e2e.long import kill, lab_environment, wait_until
from tests.pdf_texts import pdf_text

VIDEO_COUNT = int(os.environ.get("PYTOMO_TEST_STUDY_VIDEOS", "4"))
*VIDEOS, ONE_MORE = sorted(build_world("clean").videos)[: VIDEO_COUNT + 1]
PLAN = """
name = "two lines"
question = "Does the second line play worse than the first?"
exclusions = ["incomplete_pairs"]

[[arms]]
name = "first"
provider = "ISP one"
settings = {{ PYTOMO_SOURCE_ADDRESS = "127.0.0.1" }}

[[arms]]
name = "second"
provider = "ISP two"
settings = {{ PYTOMO_SOURCE_ADDRESS = "127.0.0.2" }}

[panel]
videos = {videos}

[schedule]
rounds = {rounds}
seed = 1

[outcome]
figure = "startup"
smallest_effect = 0.2

[settings]
PYTOMO_DOWNLOAD_WINDOW_S = 0.5
PYTOMO_PING_PACKETS = 0
PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S = 0
"""


@dataclass
class StudyRun:
    """A study as a user runs it: from its file, against one database."""

    environment: dict[str, str]
    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "x.db"

    @property
    def plan(self) -> Path:
        return self.folder / "study.toml"

    def words(self, action: str, *more: str) -> list[str]:
        return ["study", action, str(self.plan), *more, *self.settings()]

    def settings(self) -> list[str]:
        names = {
            "DATABASE_URL": f"sqlite:///{self.database}",
            "UNSTORED_DIRECTORY": str(self.folder / "unstored"),
            "PACE_S": "0",
            "VANTAGE": "here",
        }
        return [word for name, value in names.items() for word in ("-s", f"PYTOMO_{name}={value}")]

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "first.log").open("wb") as log:
            return subprocess.Popen(
                scrapy_command(*self.words("run")), cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def stored(self) -> int:
        return int(query(self.database, "SELECT COUNT(*) FROM measurement")[0][0])


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    with lab_environment() as environment:
        yield environment


def write_plan(run: StudyRun, videos: list[str], rounds: int = 1) -> None:
    run.plan.write_text(PLAN.format(videos=json.dumps(videos), rounds=rounds), encoding="utf-8")


def report(run: StudyRun) -> dict[str, Any]:
    told = run_scrapy(*run.words("report", "--json"), **run.environment)
    assert told.exit_code == 0, told.errors
    found: dict[str, Any] = json.loads(told.output)
    return found


def assert_published_alike(run: StudyRun, found: dict[str, Any]) -> None:
    """Hold the bundle, the method sheet in it and its text against what the study's own report says."""
    bundle = run.folder / "bundle"
    made = run_scrapy("export", "--bundle", str(bundle), *run.settings(), **run.environment)
    assert made.exit_code == 0, made.errors
    [told] = json.loads((bundle / "figures.json").read_text(encoding="utf-8"))["studies"]
    for name in ("name", "status", "planned", "done", "arms", "deviations"):
        assert told[name] == found[name], name
    assert [look["results"] for look in told["looks"]] == [look["results"] for look in found["looks"]]
    planned = [look["sentence"] for look in found["looks"] if look["is_planned"]]
    sheet = pdf_text((bundle / "method-sheet.pdf").read_bytes())
    readme = " ".join((bundle / "README.md").read_text(encoding="utf-8").split())
    for text in (sheet, readme):
        for version in found["plans"]:
            assert version["plan_hash"] in text
        for sentence in (*found["deviations"], *planned[-1:]):
            assert sentence in text, sentence
        for arm in found["arms"]:
            assert f"arm {arm['arm']}: {arm['stored']} measured: {arm['valid']} valid" in text
    for version in found["plans"]:
        stem = f"1-two-lines-v{version['version']}"
        assert sha256((bundle / "plans" / f"{stem}.json").read_bytes()).hexdigest() == version["plan_hash"]


def test_study_of_two_lines_survives_a_kill_accounts_for_itself_and_goes_on_under_a_changed_plan(
    lab: dict[str, str], tmp_path: Path
) -> None:
    run = StudyRun(lab, tmp_path)
    write_plan(run, VIDEOS)
    process = run.start()
    try:
        # In the middle, and in the middle of a video: an odd number of arms.
        wait_until(lambda: run.stored() >= VIDEO_COUNT - 1 and run.stored() % 2 == 1)
    finally:
        kill(process)
    assert run.stored() < 2 * VIDEO_COUNT
    ended = run_scrapy(*run.words("run"), **lab)
    assert ended.exit_code == 0, ended.errors
    assert_measured_and_accounted_for(run)
    assert run_scrapy(*run.words("run"), **lab).exit_code == 2, "it is over"
    write_plan(run, [VIDEOS[0], ONE_MORE], rounds=2)
    refused = run_scrapy(*run.words("run"), **lab)
    assert refused.exit_code == 2 and "differs from version 1" in refused.errors and "--change" in refused.errors
    assert run_scrapy(*run.words("new", "--change", "one more video"), **lab).exit_code == 0
    report(run)  # before the second round
    ended = run_scrapy(*run.words("run"), **lab)
    assert ended.exit_code == 0, ended.errors
    assert_goes_on_under_both_plans(run)


def assert_measured_and_accounted_for(run: StudyRun) -> None:
    rows = query(
        run.database,
        "SELECT arm, video_row_id, pair_id, plan_hash, plan_version, is_superseded, vantage_id FROM measurement",
    )
    assert Counter(row[0] for row in rows) == {"first": VIDEO_COUNT, "second": VIDEO_COUNT}
    assert max(Counter((row[0], row[1]) for row in rows).values()) == 1, "measured twice"
    assert set(Counter(row[2] for row in rows).values()) == {2}
    assert {row[3:6] for row in rows} == {(rows[0][3], 1, 0)}
    assert len({row[6] for row in rows}) == 2, "each line has its provider"
    orders = Counter(query(run.database, "SELECT arm_order FROM measurement WHERE arm = 'first'"))
    assert len(orders) == 2, "the order of the arms is drawn anew for each video"
    found = report(run)
    assert found["status"] == "finished" and found["plan_hash"] == rows[0][3]
    assert [arm["stored"] for arm in found["arms"]] == [VIDEO_COUNT, VIDEO_COUNT]
    assert found["deviations"] == []
    # A busy machine may fail a session: then its pair does not count.
    failed = query(run.database, "SELECT COUNT(DISTINCT pair_id) FROM measurement WHERE attribution <> 'network'")[0][0]
    looks = query(run.database, "SELECT is_planned, round_count, row_count FROM study_look")
    assert looks == [(1, 1, 2 * (VIDEO_COUNT - failed))], "the last look is the plan's own, and is taken once"


def assert_goes_on_under_both_plans(run: StudyRun) -> None:
    found = report(run)
    said = " ".join(found["deviations"])
    assert "version 2" in said and "one more video" in said and ONE_MORE in said
    assert "1 time out of plan" in said
    assert_published_alike(run, found)
    by_version = Counter(query(run.database, "SELECT plan_version, pass_number FROM measurement"))
    assert by_version == {(1, 1): 2 * VIDEO_COUNT, (2, 2): 4}
    hashes = query(run.database, "SELECT DISTINCT plan_version, plan_hash FROM measurement ORDER BY 1")
    assert hashes == query(run.database, "SELECT version, plan_hash FROM study_plan ORDER BY 1")
