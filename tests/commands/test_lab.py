"""`scrapy lab`: what it prints, how it fails, and that it passes everything on."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.exceptions import UsageError

from pytomo_scrapy.commands.lab import Command
from pytomo_scrapy.lab import launcher
from pytomo_scrapy.lab.faults import FAULTS
from pytomo_scrapy.lab.servers import LabError, LabOptions
from pytomo_scrapy.lab.world import build_world, world_names
from tests.commands.conftest import Run
from tests.running.commands import command

HOST = "rr1---sn-25ge7nsk"
PROJECT = Path(__file__).resolve().parents[2]


def scrapy(*words, timeout_s=60, **environment):
    return subprocess.run(
        command("scrapy", *words),
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def test_lab_list_shows_worlds_hosts_known_videos_and_faults(run: Run) -> None:
    ended = run("lab", "list")
    assert (ended.exit_code, ended.errors) == (0, "")
    world = build_world("default")
    for word in (*world_names(), *world.hosts, *world.known, *FAULTS, *(fault.help for fault in FAULTS.values())):
        assert word in ended.output
    assert "0.5 times the clip's own rate" in ended.output


def test_lab_list_world_after_the_word_shows_that_world(run: Run) -> None:
    ended = run("lab", "list", "--world", "demo")
    assert "Media hosts of 'demo'" in ended.output
    assert ended.output == run("lab", "--world", "demo", "list").output


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        ((), "50 Mbit/s"),
        (("--rate", "rr1---sn-25ge7nsk=2e6"), "2 Mbit/s"),
        (("--clip-ratio", "0.25"), "0.25 times the clip's own rate"),
    ],
)
def test_lab_list_shows_the_rates_that_are_asked_for(run: Run, words: tuple[str, ...], rate: str) -> None:
    lines = run("lab", *words, "list").output.splitlines()
    (line,) = [line for line in lines if line.startswith("  rr1---sn-25ge7nsk.googlevideo.com ")]
    assert line.endswith(rate)


def test_lab_list_says_how_guests_are_drawn(run: Run) -> None:
    listed = run("lab", "--world", "autumn2026", "list").output
    assert "Guest identities of 'autumn2026', seed 0" in listed
    assert "65% of the others, each file after 1048576 bytes or 15 s of media" in listed
    assert "40% of them, 20% of these as a captcha" in listed
    words = ("--gated-share", "1", "--gate-bytes", "9", "--gate-media-s", "2.5", "--bot-check-share", "0")
    listed = run("lab", "--world", "autumn2026", *words, "list").output
    assert "100% of the others, each file after 9 bytes or 2.5 s of media" in listed
    assert "0% of them, 20% of these" in listed
    assert "Guest identities" not in run("lab", "--world", "clean", "list").output
    assert "50% of the others, each file" in run("lab", "--world", "clean", "--gated-share", "0.5", "list").output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--gated-share", "1.5"), "--gated-share: '1.5' is not a number from 0 to 1"),
        (("--bot-check-share", "half"), "--bot-check-share: 'half' is not a number from 0 to 1"),
        (("--bot-check-share", "nan"), "--bot-check-share: 'nan' is not a number from 0 to 1"),
        (("--gate-bytes", "0"), "--gate-bytes: '0' is not a whole number above 0"),
        (("--gate-media-s", "-1"), "--gate-media-s: '-1' is not a number above 0"),
    ],
)
def test_lab_option_about_guests_that_is_out_of_range_is_refused(
    run: Run, words: tuple[str, ...], complaint: str
) -> None:
    ended = run("lab", *words, "list")
    assert (ended.exit_code, ended.output) == (2, "")
    assert complaint in ended.errors


def test_scrapy_lab_says_that_an_option_is_none_of_its_own() -> None:
    with pytest.raises(UsageError, match="--nope is no option of `lab`: options of a command come after its name"):
        Command().process_options(["--nope"], argparse.Namespace(words=["version"]))


@pytest.mark.parametrize(
    ("trouble", "exit_code", "errors"),
    [(None, 7, ""), (LabError("No free port."), 3, "No free port.\n"), (KeyboardInterrupt(), 130, "")],
)
def test_lab_ends_as_the_command_inside_or_with_its_own_trouble(
    run: Run, monkeypatch: pytest.MonkeyPatch, trouble: BaseException | None, exit_code: int, errors: str
) -> None:
    asked: list[object] = []

    def run_in_lab(options: LabOptions, words: list[str], entry: tuple[str, ...]) -> int:
        asked.append((options, words, entry))
        if trouble is not None:
            raise trouble
        return 7

    monkeypatch.setattr(launcher, "run_in_lab", run_in_lab)
    ended = run(
        "lab",
        "--world",
        "clean",
        "--seed",
        "3",
        "--clip-ratio",
        "2",
        "--rate",
        f"{HOST}=1",
        "crawl",
        "-u",
        "2",
        "--",
        "-x",
    )
    assert (ended.exit_code, ended.output, ended.errors) == (exit_code, "", errors)
    # Every word behind the command's name is its own, and what runs it is `pytomo` again.
    words = ["crawl", "-u", "2", "--", "-x"]
    assert asked == [(LabOptions("clean", 3, 2.0, {HOST: 1.0}), words, (sys.executable, "-m", "pytomo_scrapy"))]


@pytest.mark.parametrize("is_stopped", [True, False])
def test_lab_serve_prints_the_environment_until_it_is_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    def wait() -> None:
        if is_stopped:
            handlers[signal.SIGTERM](signal.SIGTERM, None)

    handlers: dict[int, Any] = {}
    endpoints = SimpleNamespace(environment=lambda: {"B": "it's", "A": "127.0.0.1:9"})
    lab = SimpleNamespace(endpoints=endpoints, wait_until_it_ends=wait)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(launcher, "running_lab", lambda options: nullcontext(lab))
    ended = run("lab", "serve", "--world", "clean")
    assert ended.output.splitlines() == [
        "# The lab serves world 'clean' until Ctrl-C. In another shell of this project:",
        "export A=127.0.0.1:9",
        "export B='it'\"'\"'s'",
    ]
    sentence = f"The lab's servers (world 'clean') ended by themselves; process {os.getpid()} ends too.\n"
    assert (ended.exit_code, ended.errors) == ((0, "") if is_stopped else (3, sentence))


@pytest.mark.lab
def test_lab_command_gets_its_own_options_and_the_labs_environment():
    done = scrapy("lab", "--world", "clean", "settings", "--get", "PYTOMO_DNS_RESOLVERS", "-s", "X=Y", "-L", "ERROR")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"system=127\.[\d.]+:\d+,google=127\.[\d.]+:\d+,opendns=127\.[\d.]+:\d+\n", done.stdout)
    own = scrapy("lab", "--world", "clean", "settings", "--get", "X", "-s", "X=Y", "-s", "LOG_ENABLED=0")
    assert own.stdout == "Y\n"


@pytest.mark.lab
def test_lab_command_fetches_a_page_through_verified_tls():
    words = ["fetch", "--nolog", "-s", "DOWNLOAD_VERIFY_CERTIFICATES=1", "https://www.youtube.com/robots.txt"]
    done = scrapy("lab", "--world", "clean", *words)
    assert done.returncode == 0, done.stderr
    assert "Disallow: /youtubei/" in done.stdout


@pytest.mark.lab
def test_lab_exit_code_of_the_command_is_passed_on():
    assert scrapy("lab", "--world", "clean", "no-such-command").returncode == 2


@pytest.mark.lab
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_lab_serve_prints_a_working_environment_and_ends_on_a_signal(number):
    lab = subprocess.Popen(
        command("scrapy", "lab", "serve", "--world", "clean"),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        lines = [lab.stdout.readline() for _ in range(9)]
        assert lines[0].startswith("# The lab serves world 'clean' until Ctrl-C")
        exported = dict(re.fullmatch(r"export (\w+)=(\S+)\n", line).groups() for line in lines[1:])
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": exported["HTTP_PROXY"]}))
        with opener.open("http://www.youtube.com/robots.txt", timeout=10) as answer:
            assert b"/youtubei/" in answer.read()
        started_s = time.monotonic()
        lab.send_signal(number)
        _, errors = lab.communicate(timeout=60)
        assert (lab.returncode, errors) == (0, "")
        assert time.monotonic() - started_s < 15
        assert not Path(exported["SSL_CERT_FILE"]).exists()
    finally:
        lab.kill()
        lab.communicate()


ENDLESS_SPIDER = """
import pathlib, scrapy
class Endless(scrapy.Spider):
    name = "endless"
    custom_settings = {"ADDONS": {}, "DOWNLOAD_DELAY": 0.05, "LOG_LEVEL": "INFO"}
    async def start(self):
        for number in range(2000):
            yield scrapy.Request(f"data:,{number}")
    def parse(self, response):
        pathlib.Path(self.settings["READY"]).touch()
"""


@pytest.mark.lab
def test_lab_ctrl_c_reaches_the_command_once_and_its_exit_code_comes_back(tmp_path):
    script, ready = tmp_path / "endless.py", tmp_path / "ready"
    script.write_text(ENDLESS_SPIDER, encoding="utf-8")
    lab = subprocess.Popen(
        command("scrapy", "lab", "--world", "clean", "runspider", str(script), "-s", f"READY={ready}"),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        end_s = time.monotonic() + 30
        while not ready.exists():
            assert time.monotonic() < end_s, "the spider did not start"
            time.sleep(0.05)
        os.killpg(lab.pid, signal.SIGINT)
        _, errors = lab.communicate(timeout=60)
        assert "Received SIGINT, shutting down gracefully" in errors
        assert "Received SIGINT twice" not in errors
        assert "'finish_reason': 'shutdown'" in errors
        assert lab.returncode == 0
    finally:
        lab.kill()
        lab.communicate()
