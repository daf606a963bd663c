"""The lab as a whole: every server real, reached through the environment only, and nothing left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytomo_scrapy.lab import launcher
from pytomo_scrapy.lab.launcher import Lab, run_in_lab, running_lab
from pytomo_scrapy.lab.relay import run_command
from pytomo_scrapy.lab.servers import LabEndpoints, LabError, LabOptions, make_world
from pytomo_scrapy.lab.world import build_world
from tests.running import forked
from tests.running.sharing import server_socket

CLEAN = LabOptions("clean")
ENDPOINTS = LabEndpoints("http://127.0.0.1:1", {"system": "127.42.53.1:2", "google": "127.42.53.2:3"}, "/tmp/ca.pem", 4)


def python(code):
    return [sys.executable, "-c", code]


@pytest.fixture
def forked_servers():
    """Have the server of commands fork the lab's process: what is asked is what its owner makes of how it ends."""
    with forked.in_use(server_socket()):
        yield


def wait_until(condition, limit_s=15.0):
    """Wait for another process; returns whether it came in time."""
    end_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(scope="module")
def clean_lab():
    with running_lab(CLEAN) as lab:
        yield lab


def test_environment_points_every_client_to_the_lab_and_media_past_the_proxy():
    variables = ENDPOINTS.environment()
    assert variables["https_proxy"] == variables["HTTPS_PROXY"] == variables["HTTP_PROXY"] == "http://127.0.0.1:1"
    assert variables["NO_PROXY"] == variables["no_proxy"] == ".googlevideo.com,googlevideo.com"
    assert variables["SSL_CERT_FILE"] == "/tmp/ca.pem"
    assert variables["PYTOMO_DNS_RESOLVERS"] == "system=127.42.53.1:2,google=127.42.53.2:3"
    assert "PYTOMO_HTTP_PROXY_IPV6" not in variables  # a machine without IPv6


def test_environment_drops_what_would_lead_past_the_lab_and_names_the_provider():
    base = {"PATH": "/bin", "PYTOMO_HTTP_PROXY": "http://elsewhere:1", "ALL_PROXY": "socks5://x:1", "NO_PROXY": "*"}
    variables = Lab(ENDPOINTS, 0).environment(base)
    assert variables["PATH"] == "/bin"
    assert variables["PYTOMO_PROVIDER"] == "offline lab"
    assert variables["NO_PROXY"] == ".googlevideo.com,googlevideo.com"
    assert "ALL_PROXY" not in variables
    # Empty and not absent: the settings file of a project may name a proxy, which the environment then takes back.
    assert {variables[name] for name in ("PYTOMO_HTTP_PROXY", "PYTOMO_SOURCE_ADDRESS")} == {""}
    assert variables["PYTHONPATH"] == str(launcher.CLOSED)
    assert Lab(ENDPOINTS, 0).environment({"PYTHONPATH": "mine"})["PYTHONPATH"] == f"{launcher.CLOSED}{os.pathsep}mine"
    assert Lab(ENDPOINTS, 0).environment({"PYTOMO_PROVIDER": "mine"})["PYTOMO_PROVIDER"] == "mine"


def test_crawl_of_the_lab_pauses_for_no_hour_unless_it_is_asked_to():
    variables = Lab(ENDPOINTS, 0).environment({})
    assert (variables["PYTOMO_BACKOFF_RETRY_S"], variables["PYTOMO_BACKOFF_PAUSE_S"]) == ("1", "0")
    assert Lab(ENDPOINTS, 0).environment({"PYTOMO_BACKOFF_PAUSE_S": "60"})["PYTOMO_BACKOFF_PAUSE_S"] == "60"


def test_make_world_unknown_world_and_host_are_one_sentence():
    with pytest.raises(LabError, match=r"no lab world 'nope'; `pytomo lab list` shows them\."):
        make_world(LabOptions("nope"))
    with pytest.raises(LabError, match="has no media host 'nope"):
        make_world(LabOptions("clean", rates_bps={"nope": 1e6}))


def test_make_world_clip_ratio_and_rate_reach_the_hosts():
    world = make_world(LabOptions("clean", clip_ratio=0.5, rates_bps={"rr1---sn-25ge7nsk": 2e6}))
    rates = {name: host.rate for name, host in world.hosts.items()}
    assert rates.pop("rr1---sn-25ge7nsk.googlevideo.com").steps == ((0.0, 2e6),)
    assert {rate.clip_ratio for rate in rates.values()} == {0.5}


RESOLVE_AND_FETCH = """
import json, os, ssl, sys, urllib.request, urllib.parse, socket, http.client
import dns.resolver, yt_dlp

def fetch_first(url, length):
    name, _, where = os.environ["PYTOMO_DNS_RESOLVERS"].split(",")[0].partition("=")
    address, port = where.split(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address], int(port)
    found = resolver.resolve(url.hostname, "A")[0].address
    raw = socket.create_connection((found, url.port), 10)
    connection = http.client.HTTPSConnection(url.hostname, url.port)
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    connection.sock = context.wrap_socket(raw, server_hostname=url.hostname)
    connection.request("GET", url.path + "?" + url.query, headers={"Range": f"bytes=0-{length - 1}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return {"status": answer.status, "bytes": len(body), "address": found}

skip = ["webpage", "configs", "js", "initial_data"]
lean = {"player_client": ["visionos"], "player_skip": skip, "skip": ["hls", "dash"]}
for ways in ({}, {"extractor_args": {"youtube": lean}}):
    options = {"quiet": True, "no_warnings": True, "compat_opts": {"no-certifi"}, **ways}
    with yt_dlp.YoutubeDL(options) as downloader:
        info = downloader.extract_info("https://www.youtube.com/watch?v=" + sys.argv[1], download=False)
    media = [f for f in info["formats"] if "videoplayback" in f["url"]]
    url = urllib.parse.urlsplit(media[-1]["url"])
    print(json.dumps({"title": info["title"], **fetch_first(url, 1000)}))
"""


@pytest.mark.lab
def test_lab_unmodified_clients_resolve_and_fetch_media_by_default_and_lean(clean_lab):
    world = build_world("clean")
    video = next(iter(world.videos.values()))
    command = [*python(RESOLVE_AND_FETCH), video.video_id]
    environment = clean_lab.environment(os.environ)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = {"title": video.title, "status": 206, "bytes": 1000, "address": world.hosts[video.host].address}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [found, found]


@pytest.mark.lab
def test_lab_servers_have_a_session_of_their_own_and_ignore_ctrl_c(clean_lab):
    servers_ = [child for child in psutil.Process().children() if clean_lab_is(child, clean_lab)]
    assert len(servers_) == 1
    assert os.getsid(servers_[0].pid) == servers_[0].pid != os.getsid(0)
    servers_[0].send_signal(signal.SIGINT)
    done = subprocess.run(
        python("import urllib.request as u; print(u.urlopen('http://www.youtube.com/robots.txt').status)"),
        env=clean_lab.environment(os.environ),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == b"200\n"


def clean_lab_is(process, lab):
    port = int(lab.endpoints.proxy_url.rpartition(":")[2])
    return any(connection.laddr.port == port for connection in process.net_connections("tcp"))


@pytest.mark.lab
def test_running_lab_leaves_no_process_and_no_folder():
    before = {child.pid for child in psutil.Process().children()}
    with running_lab(CLEAN) as lab:
        folder = Path(lab.endpoints.ca_bundle).parent
        assert folder.is_dir()
        lab_pids = {child.pid for child in psutil.Process().children() if clean_lab_is(child, lab)} - before
    assert len(lab_pids) == 1
    assert not folder.exists()
    assert not any(psutil.pid_exists(pid) for pid in lab_pids)


HOLD_A_LAB = """
import sys, time
from pytomo_scrapy.lab.launcher import running_lab
from pytomo_scrapy.lab.servers import LabOptions
if __name__ == "__main__":
    with running_lab(LabOptions("clean")) as lab:
        print(lab.endpoints.ca_bundle, flush=True)
        time.sleep(60)
"""


@pytest.mark.lab
def test_running_lab_ctrl_c_while_it_starts_ends_it_without_a_word_of_its_servers():
    code = HOLD_A_LAB.replace("with running_lab", "print(flush=True)\n    with running_lab")
    owner = subprocess.Popen(
        python(code), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        owner.stdout.readline()
        assert wait_until(lambda: psutil.Process(owner.pid).children())
        os.killpg(owner.pid, signal.SIGINT)
        _, errors = owner.communicate(timeout=60)
        assert owner.returncode == -signal.SIGINT
        assert errors.count("Traceback") == 1, "only the owner's own KeyboardInterrupt"
    finally:
        owner.kill()
        owner.communicate()


@pytest.mark.lab
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_running_lab_ends_when_its_owner_is_killed(number):
    owner = subprocess.Popen(python(HOLD_A_LAB), stdout=subprocess.PIPE, text=True)
    try:
        folder = Path(owner.stdout.readline().strip()).parent
        children = psutil.Process(owner.pid).children()
        owner.send_signal(number)
        owner.wait(60)
        assert wait_until(lambda: not any(child.is_running() for child in children))
        assert wait_until(lambda: not folder.exists())
    finally:
        owner.kill()
        owner.stdout.close()
        owner.wait()


@pytest.mark.process
@pytest.mark.usefixtures("forked_servers")
def test_running_lab_that_does_not_start_in_time_raises_a_sentence(monkeypatch):
    monkeypatch.setattr(launcher, "START_TIMEOUT_S", 0.0)
    with pytest.raises(LabError, match=r"did not start within 0 s\."), running_lab(CLEAN):
        pytest.fail("the lab started")


@pytest.mark.process
@pytest.mark.usefixtures("forked_servers")
def test_running_lab_whose_servers_die_at_the_start_raises_a_sentence():
    # Called with three arguments, it raises in the new process.
    with pytest.raises(LabError, match=r"died at their start \(exit code 1\)"), running_lab(CLEAN, serve=os._exit):
        pytest.fail("the lab started")


@pytest.mark.lab
@pytest.mark.usefixtures("forked_servers")
def test_running_lab_that_cannot_write_its_certificates_raises_a_sentence(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryDirectory", lambda **_: contextlib.nullcontext("/dev/null/lab"))
    with pytest.raises(LabError, match=r"servers could not start: .*Not a directory"), running_lab(CLEAN):
        pytest.fail("the lab started")


@pytest.mark.process
def test_run_command_passes_arguments_environment_and_exit_code_on(tmp_path):
    out = tmp_path / "out"
    code = "import os, sys; open(sys.argv[1], 'w').write(os.environ['WORD'] + ' '.join(sys.argv[2:])); sys.exit(7)"
    assert run_command([*python(code), str(out), "-s", "X=Y", "-L", "DEBUG"], {**os.environ, "WORD": "w "}) == 7
    assert out.read_text() == "w -s X=Y -L DEBUG"


@pytest.mark.process
def test_run_command_killed_command_gives_128_plus_the_signal():
    assert run_command(python("import os; os.kill(os.getpid(), 9)"), os.environ) == 137


RELAY = """
import os, sys
from pytomo_scrapy.lab.relay import run_command
code = '''
import signal, sys, time
got = []
signal.signal(signal.{name}, lambda *_: got.append(1))
print("ready", flush=True)
end = time.monotonic() + 20
while not got and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.8)
sys.exit(40 + len(got))
'''
sys.exit(run_command([sys.executable, "-c", code], os.environ))
"""


@pytest.mark.process
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("to_group", [False, True], ids=["process", "group"])
def test_run_command_signal_reaches_the_command_exactly_once(name, to_group):
    relay = subprocess.Popen(
        python(RELAY.format(name=name)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert relay.stdout.readline() == b"ready\n"
        number = signal.Signals[name]
        if to_group:
            os.killpg(relay.pid, number)
        else:
            relay.send_signal(number)
        assert relay.wait(60) == 41
    finally:
        relay.kill()
        relay.stdout.close()
        relay.wait()


@pytest.mark.process
def test_run_command_on_a_terminal_ctrl_c_reaches_the_command_exactly_once():
    pty = pytest.importorskip("pty")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, python(RELAY.format(name="SIGINT")))
    try:
        seen = b""
        while b"ready" not in seen:
            seen += os.read(terminal, 1024)
        os.write(terminal, b"\x03")
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 41
    finally:
        os.close(terminal)


@pytest.mark.lab
def test_run_in_lab_runs_the_command_inside(tmp_path, monkeypatch, clean_lab):
    monkeypatch.setattr(launcher, "running_lab", lambda options: contextlib.nullcontext(clean_lab))
    out = tmp_path / "out"
    code = f"import os; open({str(out)!r}, 'w').write(os.environ['PYTOMO_DNS_RESOLVERS'])"
    assert run_in_lab(CLEAN, [code], entry=[sys.executable, "-c"]) == 0
    assert out.read_text() == clean_lab.environment({})["PYTOMO_DNS_RESOLVERS"]
