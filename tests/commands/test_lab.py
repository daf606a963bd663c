"""`scrapy lab`: what it prints, how it fails, and that it passes everything on."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from pytomo_scrapy.lab.faults import FAULTS
from pytomo_scrapy.lab.world import build_world, world_names
from tests.running.commands import command

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


def test_lab_list_shows_worlds_hosts_known_videos_and_faults():
    done = scrapy("lab", "list")
    assert (done.returncode, done.stderr) == (0, "")
    world = build_world("default")
    for word in (*world_names(), *world.hosts, *world.known, *FAULTS, *(fault.help for fault in FAULTS.values())):
        assert word in done.stdout
    assert "0.5 times the clip's own rate" in done.stdout


def test_lab_list_world_after_the_word_shows_that_world():
    done = scrapy("lab", "list", "--world", "demo")
    assert "Media hosts of 'demo'" in done.stdout
    assert done.stdout == scrapy("lab", "--world", "demo", "list").stdout


@pytest.mark.parametrize("words", [("list",), ("serve",), ("version",)])
def test_lab_unknown_world_is_one_sentence_and_2(words):
    done = scrapy("lab", "--world", "nope", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no lab world 'nope'; `scrapy lab list` shows them.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name a command to run in the lab"),
        (("--nope", "version"), "--nope is no option of `lab`"),
        (("--rate", "fast", "version"), "'fast' is not HOST=BPS"),
        (("--clip-ratio", "0", "version"), "'0' is not a number above 0"),
        (("serve", "now"), "unrecognized arguments: now"),
    ],
)
def test_lab_bad_usage_names_what_is_wrong_and_exits_2(words, sentence):
    done = scrapy("lab", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


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
        _, errors = lab.communicate(timeout=20)
        assert (lab.returncode, errors) == (0, "")
        assert time.monotonic() - started_s < 6
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
        _, errors = lab.communicate(timeout=20)
        assert "Received SIGINT, shutting down gracefully" in errors
        assert "Received SIGINT twice" not in errors
        assert "'finish_reason': 'shutdown'" in errors
        assert lab.returncode == 0
    finally:
        lab.kill()
        lab.communicate()
