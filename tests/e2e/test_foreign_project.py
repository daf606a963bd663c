"""The add-on in a project of somebody else: made by `scrapy startproject`, with a spider that knows nothing of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import clean_environment, fresh_command, query
from tests.e2e.foreign_project import start_project
from tests.running import new_files
from tests.running.commands import run_command
from tests.running.labs import shared_lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]

VIDEO = "CGNIzzGfeuY"
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
    words = ("lab", "crawl", "blog", "-O", "out.jsonl")
    done = run_command("scrapy", *words, cwd=project, environment=clean_environment())
    assert done.exit_code == 0, done.errors
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


def test_spider_without_a_video_begins_no_run_and_no_process(tmp_path: Path) -> None:
    project = start_project(tmp_path, VIDEO)
    spider = project / "theirs" / "spiders" / "plain.py"
    spider.write_text(
        "import scrapy\n\n\nclass Plain(scrapy.Spider):\n    name = 'plain'\n    start_urls = ['data:,']\n\n"
        "    def parse(self, response):\n        yield {'a': 1}\n"
    )
    words = ("crawl", "plain", "-s", "LOG_LEVEL=INFO")
    done = run_command("scrapy", *words, cwd=project, environment=clean_environment())
    # Its log is Scrapy's, and nothing is said of videos.
    assert done.exit_code == 0 and "'item_scraped_count': 1" in done.errors, done.errors
    assert "The crawl is finished" not in done.errors
    assert query(project / "databases" / "pytomo.db", "SELECT count(*) FROM run") == [(0,)]


def test_second_crawl_over_the_line_is_refused_with_its_reason(tmp_path: Path) -> None:
    from pytomo_scrapy.crawl.line_lock import LineLock

    project, line = start_project(tmp_path, VIDEO), LineLock("name taken")
    assert line.take()
    try:
        variables = shared_lab().environment(clean_environment()) | {"PYTOMO_LINE": "taken"}
        words = ("runspider", "theirs/spiders/blog.py")
        done = run_command("scrapy", *words, cwd=project, environment=variables, timeout_s=90)
    finally:
        line.free()
    assert "Another crawler" in done.errors and "'finish_reason': 'line_taken'" in done.errors, done.errors
    assert query(project / "databases" / "pytomo.db", "SELECT count(*) FROM run") == [(0,)]


def counted(folder: Path, project: Path, *command: str) -> dict[str, Any]:
    """Run a command in a network that leads nowhere, and count what it sends out."""
    if not Path("/dev/net/tun").exists() or not shutil.which("unshare"):
        pytest.skip("needs unshare and /dev/net/tun")
    resolv_conf = folder / "resolv.conf"
    resolv_conf.write_text("nameserver 198.51.100.53\noptions timeout:1 attempts:1\n")
    inside = [sys.executable, str(Path(__file__).with_name("counting_namespace.py")), str(resolv_conf)]
    done = subprocess.run(
        ["unshare", "-n", "-m", *inside, *command],
        cwd=project, env=clean_environment(), check=False, capture_output=True, text=True, timeout=230,
    )  # fmt: skip
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("needs root, and a kernel that permits network namespaces and TUN devices")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer | {"errors": done.stderr}


@pytest.mark.root
def test_counter_sees_a_packet_and_a_look_up_outside_of_the_lab(tmp_path: Path) -> None:
    code = (
        "import socket\nsocket.socket(2, 2).sendto(b'x', ('198.51.100.9', 9))\n"
        "try:\n    socket.getaddrinfo('www.example.com', 80)\nexcept OSError:\n    pass"
    )
    packets = counted(tmp_path, tmp_path, sys.executable, "-c", code)["packets"]
    assert ["198.51.100.9", 17, 9] in packets and ["198.51.100.53", 17, 53] in packets


@pytest.mark.root
def test_no_packet_leaves_loopback_in_the_lab_whatever_a_foreign_project_tries(tmp_path: Path) -> None:
    project = start_project(tmp_path, VIDEO, settings=LEADS_OUT, parse=GOES_OUT)
    spider = project / "theirs" / "spiders" / "blog.py"
    # Without proxies its own first page cannot be had: it starts from an empty one.
    spider.write_text(spider.read_text().replace(f"https://www.youtube.com/watch?v={VIDEO}", "data:,"))
    (project / "databases").mkdir()
    new_files.place(project / "databases" / "pytomo.db")
    found = counted(tmp_path, project, *fresh_command("lab", "crawl", "blog"))
    assert (found["exit_code"], found["packets"]) == (0, []), found["errors"]
    assert "it went out" not in found["errors"]
    rows = query(project / "databases" / "pytomo.db", "SELECT failure, received_bytes > 0 FROM figure ORDER BY 1")
    assert rows == [(None, 1), ("unsupported_url", None)]


@pytest.mark.root
def test_no_packet_leaves_loopback_in_a_crawl_of_ours_in_the_lab(tmp_path: Path) -> None:
    words = ("lab", "--world", "demo", "crawl", "youtube", "-a", "max_crawled_url=2", "-a", "max_rounds=1")
    settings = ("PYTOMO_DOWNLOAD_WINDOW_S=1", "PYTOMO_PACE_S=0", f"PYTOMO_DATABASE_URL=sqlite:///{tmp_path}/x.db")
    given = [word for setting in settings for word in ("-s", setting)]
    root = Path(__file__).resolve().parents[2]
    new_files.place(tmp_path / "x.db")
    found = counted(tmp_path, root, *fresh_command(*words, *given))
    assert (found["exit_code"], found["packets"]) == (0, []), found["errors"]
    assert query(tmp_path / "x.db", "SELECT count(*) FROM measurement") == [(2,)]
