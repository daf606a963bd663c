"""The benchmarks of hostility: small runs of them, and that they notice what they look for."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import psutil
import pytest

from benchmarks import fuzz_service
from benchmarks.fuzz_media_server import run_batch
from benchmarks.hostile.processes import MemoryWatch
from benchmarks.hostile.service import damaged_response
from benchmarks.hostile.values import DAMAGES, damaged, encode, paths
from pytomo_scrapy.lab.http.service_messages import json_response, page
from pytomo_scrapy.measure.window import judge
from tests.running import forked
from tests.running.commands import command, writers_of
from tests.running.sharing import server_socket

ANSWER = {"videoDetails": {"title": "A", "keywords": ["a", "b"]}, "streamingData": {"formats": [{"itag": 18}]}}


def test_every_field_of_an_answer_is_damaged_in_every_way() -> None:
    done = {told for number in range(1200) for told in damaged(ANSWER, Random(number))[1]}
    names = {*DAMAGES, "left out"}
    for path in paths(ANSWER):
        place = ".".join(map(str, path))
        wanted = {f"{place}: {name}" for name in names} if path else {f"the whole: {name}" for name in DAMAGES}
        assert wanted <= done, f"missing: {sorted(wanted - done)}"


@pytest.mark.parametrize("levels", [50, 900, 100_000])
@pytest.mark.parametrize("mark", ["deep-list-", "deep-object-"])
def test_nesting_is_written_however_deep_it_is(mark: str, levels: int) -> None:
    written = encode({"a": f"{mark}{levels}"})
    assert written.count(b"[" if mark == "deep-list-" else b"{") == levels + (mark == "deep-object-")
    if levels == 50:
        assert isinstance(json.loads(written)["a"], (list, dict))


def test_same_seed_damages_the_same_answer_in_the_same_way() -> None:
    for whole in (json_response(ANSWER), page("<script>var ytInitialData = {};</script>")):
        first, again = (damaged_response(whole, Random(7)) for _ in range(2))
        assert first == again
    different = {damaged_response(json_response(ANSWER), Random(number))[0].body for number in range(40)}
    assert len(different) > 25


@pytest.mark.process
@pytest.mark.slow
def test_windows_on_a_hostile_server_keep_what_is_promised() -> None:
    report = run_batch(0, 25, seed=3)
    assert report.wrong == [] and report.answers == 25 and len(report.failures) > 3


@pytest.mark.process
@pytest.mark.slow
def test_failure_without_a_known_cause_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_BY_CURL_CODE", {})
    assert any("unknown_failure" in text for text in run_batch(0, 15, seed=3).wrong)


@pytest.mark.lab
@pytest.mark.process
@pytest.mark.slow
def test_crawl_of_a_hostile_service_keeps_what_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listed crawl and one that walks; each process of theirs is forked, and told by where it writes."""

    class Watch(MemoryWatch):
        def processes(self) -> list[psutil.Process]:
            return [psutil.Process(pid) for log in tmp_path.glob("*/crawl.log") for pid in writers_of(log)]

    monkeypatch.setattr(fuzz_service, "CRAWL", command("scrapy", "crawl", "youtube"))
    monkeypatch.setattr(fuzz_service, "MemoryWatch", Watch)
    report = fuzz_service.Report()
    with forked.in_use(server_socket()):
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            fuzz_service.crawl(number, 4, 5, 0.9, folder, report)
    assert report.wrong == [] and report.videos >= 8 and report.damaged_answers > 8
    assert report.memory_mb > 50, "the crawls were seen, and not what stands for them"
