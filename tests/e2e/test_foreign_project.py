"""The add-on in a project of somebody else: made by `scrapy startproject`, with a spider that knows nothing of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.lab.launcher import Lab
from pytomo_scrapy.lab.servers import LabOptions
from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import ROOT, clean_environment, query
from tests.e2e.counting_namespace import NOT_PERMITTED
from tests.e2e.foreign_project import start_project
from tests.running import inside
from tests.running.commands import Finished, run_command
from tests.running.labs import own_lab, shared_lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]

VIDEO = next(iter(build_world("clean").videos))
OF_DEMO = next(iter(build_world("demo").videos))
# What leads past the lab where nothing else keeps it: a proxy, name servers, a spider's own sockets and requests.
LEADS_OUT = """
PYTOMO_HTTP_PROXY = "http://198.51.100.8:3128"
PYTOMO_DNS_RESOLVERS = "google=198.51.100.53"
ROBOTSTXT_OBEY = False
HTTPPROXY_ENABLED = False
RETRY_ENABLED = False
"""
GOES_OUT = """
        import socket
        import subprocess
        import sys

        code = "import socket; socket.socket(2, 2).sendto(b'x', ('198.51.100.9', 9))"
        subprocess.run([sys.executable, "-c", code], capture_output=True)
        for attempt in (
            lambda: socket.create_connection(("198.51.100.9", 80), timeout=0.2),
            lambda: socket.create_connection(("2001:db8:9::9", 80), timeout=0.2),
            lambda: socket.getaddrinfo("www.example.com", 443),
            lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("www.example.com", 9)),
            lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.9", 9)),
        ):
            try:
                attempt()
            except OSError:
                pass
            else:
                raise AssertionError("it went out")
        yield scrapy.Request("http://198.51.100.9/", callback=self.parse_nothing)
        yield scrapy.Request("https://rr1---sn-25ge7nsk.googlevideo.com/", callback=self.parse_nothing)

    def parse_nothing(self, response):
        raise AssertionError("it went out")
"""


def test_project_made_by_startproject_measures_a_video_by_its_url_and_keeps_its_other_items(tmp_path: Path) -> None:
    project = start_project(tmp_path, VIDEO)
    words = ("lab", "--world", "clean", "crawl", "blog", "-O", "out.jsonl", "-s", "LOG_LEVEL=INFO")
    done = run_command("scrapy", *words, cwd=project, environment=clean_environment())
    assert done.exit_code == 0, done.errors
    # Its log is Scrapy's, and sums its videos up.
    assert "'item_scraped_count': 3" in done.errors and "The crawl is finished" in done.errors, done.errors
    rows = query(
        project / "databases" / "pytomo.db",
        "SELECT v.service, v.video_id, v.url, m.source, m.failure, m.crawl_id, d.received_bytes > 0 FROM measurement m "
        "JOIN video v ON v.id = m.video_row_id LEFT JOIN download d ON d.measurement_id = m.id ORDER BY v.service DESC",
    )
    assert rows[0] == ("youtube", VIDEO, f"https://www.youtube.com/watch?v={VIDEO}", "blog", None, None, 1)
    assert rows[1][3:6] == ("blog", "unsupported_url", None)
    runs = query(project / "databases" / "pytomo.db", "SELECT spider, end_reason FROM run")
    assert runs == [("blog", "finished")]
    items = [json.loads(line) for line in (project / "out.jsonl").read_text().splitlines()]
    assert {"title": "a page of a blog"} in items and len(items) == 3
    report = run_command("scrapy", "report", "--json", cwd=project, environment=clean_environment())
    assert json.loads(report.output)["attempted_count"] == 2


def test_second_crawl_over_the_line_is_refused_with_its_reason(tmp_path: Path) -> None:
    from pytomo_scrapy.crawl.line_lock import LineLock

    project, line = start_project(tmp_path, VIDEO), LineLock("name taken")
    assert line.take()
    try:
        variables = shared_lab("clean").environment(clean_environment()) | {"PYTOMO_LINE": "taken"}
        words = ("runspider", "theirs/spiders/blog.py")
        done = run_command("scrapy", *words, cwd=project, environment=variables, timeout_s=90)
    finally:
        line.free()
    assert "Another crawler" in done.errors and "'finish_reason': 'line_taken'" in done.errors, done.errors
    assert query(project / "databases" / "pytomo.db", "SELECT count(*) FROM run") == [(0,)]


@dataclass(frozen=True)
class Nowhere:
    """A network that leads nowhere, and the process that counts what is sent into it."""

    counter: subprocess.Popen[str]

    def packets(self) -> Any:
        """Return destination, protocol and port of what has been sent since the last time."""
        assert self.counter.stdin is not None and self.counter.stdout is not None
        self.counter.stdin.write("\n")
        self.counter.stdin.flush()
        return json.loads(self.counter.stdout.readline())

    def environment(self) -> dict[str, str]:
        """Return what has a command run in this network, with all that it starts."""
        return clean_environment(**{inside.VARIABLE: str(self.counter.pid)})


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nowhere]:
    if not Path("/dev/net/tun").exists() or not shutil.which("unshare"):
        pytest.skip("needs unshare and /dev/net/tun")
    resolv_conf = tmp_path_factory.mktemp("nowhere") / "resolv.conf"
    resolv_conf.write_text("nameserver 198.51.100.53\noptions timeout:1 attempts:1\n")
    script = str(Path(__file__).with_name("counting_namespace.py"))
    counter = subprocess.Popen(
        ["unshare", "-n", "-m", sys.executable, script, str(resolv_conf)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with counter:
        assert counter.stdout is not None and counter.stderr is not None
        if counter.stdout.readline() != "\n":
            errors = counter.stderr.read()
            if counter.wait(30) == NOT_PERMITTED or "unshare failed" in errors:
                pytest.skip("needs root, and a kernel that permits network namespaces and TUN devices")
            raise AssertionError(errors)
        yield Nowhere(counter)


@pytest.fixture(scope="module")
def lab(nowhere: Nowhere) -> Iterator[Lab]:
    """A lab in that network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(inside.VARIABLE, str(nowhere.counter.pid))
        with own_lab(LabOptions("demo")) as lab:
            yield lab


def crawl(lab: Lab, nowhere: Nowhere, project: Path, *words: str) -> Finished:
    return run_command("scrapy", "crawl", *words, cwd=project, environment=lab.environment(nowhere.environment()))


@pytest.mark.root
def test_counter_sees_a_packet_and_a_look_up_outside_of_the_lab(nowhere: Nowhere) -> None:
    done = run_command("tests.e2e.going_out", environment=nowhere.environment())
    assert done.exit_code == 0, done.errors
    packets = nowhere.packets()
    assert ["198.51.100.9", 17, 9] in packets and ["198.51.100.53", 17, 53] in packets
    assert nowhere.packets() == []


@pytest.mark.root
def test_no_packet_leaves_loopback_in_the_lab_whatever_a_foreign_project_tries(
    nowhere: Nowhere, lab: Lab, tmp_path: Path
) -> None:
    project = start_project(tmp_path, OF_DEMO, settings=LEADS_OUT, parse=GOES_OUT)
    spider = project / "theirs" / "spiders" / "blog.py"
    # Without proxies its own first page cannot be had: it starts from an empty one.
    spider.write_text(spider.read_text().replace(f"https://www.youtube.com/watch?v={OF_DEMO}", "data:,"))
    done = crawl(lab, nowhere, project, "blog")
    assert (done.exit_code, nowhere.packets()) == (0, []), done.errors
    assert "it went out" not in done.errors
    rows = query(project / "databases" / "pytomo.db", "SELECT failure, received_bytes > 0 FROM figure ORDER BY 1")
    assert rows == [(None, 1), ("unsupported_url", None)]


@pytest.mark.root
def test_no_packet_leaves_loopback_in_a_crawl_of_ours_in_the_lab(nowhere: Nowhere, lab: Lab, tmp_path: Path) -> None:
    settings = ("PYTOMO_DOWNLOAD_WINDOW_S=1", "PYTOMO_PACE_S=0", f"PYTOMO_DATABASE_URL=sqlite:///{tmp_path}/x.db")
    given = [word for setting in settings for word in ("-s", setting)]
    done = crawl(lab, nowhere, ROOT, "youtube", "-a", "max_crawled_url=2", "-a", "max_rounds=1", *given)
    assert (done.exit_code, nowhere.packets()) == (0, []), done.errors
    assert query(tmp_path / "x.db", "SELECT count(*) FROM measurement") == [(2,)]
