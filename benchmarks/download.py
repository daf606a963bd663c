"""Compare the download window with curl, and with the forerunner, on one gigabyte from nginx on loopback.

    python benchmarks/download.py [--json] [--rounds 5] [--bytes 1000000000]

Throughput is body bytes over wall time, CPU is user and system seconds of the client alone. In each round every client
runs once, and ratios are taken within a round, as a machine changes its pace from one minute to the next; what is
printed are medians of the rounds. Where there are two processor cores, the server has one and the clients another. The
window runs in a process of its own, with arrival trace and TCP_INFO. As curl's, its body goes nowhere (the spool's cap
is at its minimum); `window_spooling` shows what the default spool adds.
The forerunner, Pytomo 3.0.4, runs on plain HTTP/1.1 where a Python 2.7 is found; pip fetches it from PyPI. It reads the
body and counts it, nothing else: its reader of time stamps takes the first byte, which it asks for alone, for a broken
file and gives up. `bare_socket_mb_per_s` is what a loop around `recv` reaches from the same server, the most that any
client could.

`sabr` is the same window over SABR (ump_body.py): it reads an answer whose media are as many bytes, and is compared
with `window` round by round. It may take 1.5 times the processor time a gigabyte, and must reach 0.8 of the throughput.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import multiprocessing
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pycurl
from ump_body import answer_plan, write_answer

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan

HOST = "rr1.benchmark.example"
PROTOCOLS = {
    "http/1.1": ("http", "1.1"),
    "http/2": ("http", "2"),
    "https/1.1": ("https", "1.1"),
    "https/2": ("https", "2"),
}
CURL_OPTIONS = {"1.1": "--http1.1", "2": "--http2-prior-knowledge"}

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
user {user};
events {{}}
http {{
  access_log off; sendfile on; default_type video/mp4; http2_chunk_size 16k; ssl_protocols TLSv1.3;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; ssl_certificate {pem}; ssl_certificate_key {pem};
  server {{ listen 127.0.0.1:{ports[0]}; include {folder}/files.conf; }}
  server {{ listen 127.0.0.1:{ports[1]} http2; include {folder}/files.conf; }}
  server {{ listen 127.0.0.1:{ports[2]} ssl; include {folder}/files.conf; }}
  server {{ listen 127.0.0.1:{ports[3]} ssl http2; include {folder}/files.conf; }}
}}
"""
# A file is no answer to a POST (405), unless the error's page is that file.
FILES = """
root {folder};
location = /sabr {{ default_type application/vnd.yt-ump; error_page 405 =200 /sabr; }}
"""


FORERUNNER = """
import logging, resource, sys, time
sys.path.insert(0, sys.argv[1])
from pytomo import config_pytomo
config_pytomo.LOG = logging.getLogger("pytomo")
config_pytomo.LOG.addHandler(logging.NullHandler())
config_pytomo.LOG_LEVEL = logging.INFO
from pytomo import lib_general_download
started = time.time()
used = resource.getrusage(resource.RUSAGE_SELF)
before_s = used.ru_utime + used.ru_stime
status, figures, _ = lib_general_download.get_download_stats(sys.argv[2], None, 120)
used = resource.getrusage(resource.RUSAGE_SELF)
print("\\n%d %f %f" % (figures[5], time.time() - started, used.ru_utime + used.ru_stime - before_s))
"""


WINDOWS = ("window", "window_spooling", "sabr")
JUDGED = (
    "throughput_vs_curl",
    "cpu_per_gb_vs_curl",
    "throughput_vs_forerunner",
    "worker_rss_mb",
    "sabr_throughput_vs_plain",
    "sabr_cpu_per_gb_vs_plain",
    "sabr_verdict",
)
SABR_MIN_THROUGHPUT, SABR_MAX_CPU = 0.8, 1.5  # of the plain window's


@dataclass(frozen=True)
class Run:
    """One transfer: bytes a second, CPU seconds a gigabyte, largest resident set."""

    bytes_per_s: float
    cpu_s_per_gb: float
    rss_mb: float | None = None


def make_certificate(path: Path) -> None:
    """Write a key and a self-signed certificate for HOST."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(encoding, pkcs8, serialization.NoEncryption()) + certificate.public_bytes(encoding)
    )


def mp4_head(size_bytes: int) -> bytes:
    """Return what an MP4 begins with: its type, then a box of media without a picture. Source: ISO/IEC 14496-12, 4."""
    kind = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp41")
    return kind + struct.pack(">I4s", size_bytes - len(kind), b"mdat")


def write_mp4(path: Path, size_bytes: int) -> None:
    """Write what begins as an MP4."""
    with path.open("wb") as body:
        body.write(mp4_head(size_bytes))
        while (left_bytes := size_bytes - body.tell()) > 0:
            body.write(bytes(min(left_bytes, 2**20)))


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


@contextlib.contextmanager
def serving(folder: Path, size_bytes: int) -> Iterator[dict[str, str]]:
    """Run nginx with a file of `size_bytes`; give the URL for each protocol."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        sys.exit("benchmarks/download.py needs nginx (apt-get install nginx-light)")
    write_mp4(folder / "body", write_answer(folder / "sabr", size_bytes, mp4_head(size_bytes)))
    (folder / "files.conf").write_text(FILES.format(folder=folder))
    make_certificate(folder / "server.pem")
    ports = free_ports(len(PROTOCOLS))
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, ports=ports, pem=folder / "server.pem", user=user))
    cores = sorted(os.sched_getaffinity(0))
    with (
        subprocess.Popen(
            [program, "-c", str(settings), "-e", str(folder / "error.log")],
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cores[:1]),
        ) as server,
        on_cores(cores[-1:]),
    ):
        try:
            wait_for(ports)
            schemes = [scheme for scheme, _ in PROTOCOLS.values()]
            yield {
                name: f"{scheme}://{HOST}:{port}/body"
                for name, scheme, port in zip(PROTOCOLS, schemes, ports, strict=True)
            }
        finally:
            server.terminate()
            server.wait(10)


@contextlib.contextmanager
def on_cores(chosen: list[int]) -> Iterator[None]:
    """Run what the block does and starts on these processor cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_for(ports: list[int]) -> None:
    """Wait until every port is listened on, at most 5 s."""
    end = time.monotonic() + 5
    for port in ports:
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)


def run_curl(url: str, http_version: str, certificate: Path) -> Run:
    """Fetch with the curl of the system."""
    port = url.split(":")[2].split("/")[0]
    command = ["curl", "-sS", "--fail", CURL_OPTIONS[http_version], "--cacert", str(certificate), "--noproxy", "*"]
    command += ["--resolve", f"{HOST}:{port}:127.0.0.1", "-o", "/dev/null", "-w", "%{size_download}", url]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    elapsed_s, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(int(done.stdout) / elapsed_s, cpu_s * 1e9 / int(done.stdout))


def window_plan(url: str, folder: str, client: str) -> WindowPlan:
    """Return what a window fetches: the file, or the answer that holds as many bytes of media."""
    port, addresses = int(url.split(":")[2].split("/")[0]), {HOST: "127.0.0.1"}
    if client != "sabr":
        return WindowPlan((MediaFormat("muxed", "18", url, HOST, port),), addresses, spool_directory=folder)
    sabr = answer_plan(url.replace("/body", "/sabr"), HOST, port)
    formats = tuple(MediaFormat(media.kind, str(media.itag), url, HOST, port) for media in sabr.formats)
    return WindowPlan(formats, addresses, spool_directory=folder, sabr=sabr)


def run_window(url: str, http_version: str, folder: str, client: str) -> Run:
    """Fetch with our window. Called in a process of its own."""
    plan = window_plan(url, folder, client)
    config = DownloadConfig(
        window_s=120,
        mode="bulk",
        loaded_probes_per_s=0,
        max_bytes=10**12,
        http_version=http_version,
        spool_max_bytes=DownloadConfig().spool_max_bytes if client == "window_spooling" else 65_536,
        path=PathConfig(is_private_allowed=True),
    )
    cpu_before, started = time.process_time(), time.monotonic()
    result = download_window(plan, config)
    elapsed_s, cpu_s = time.monotonic() - started, time.process_time() - cpu_before
    # A pause of a busy machine is in the figures of every client.
    if result.failure not in {None, "probe_paused"} or result.ended_by != "complete" or not result.streams[0].arrival_s:
        raise RuntimeError(f"the window failed: {result.failure} {result.failure_detail}")
    for stream in result.streams:
        Path(stream.spool_path or "").unlink()
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Run(result.received_bytes / elapsed_s, cpu_s * 1e9 / result.received_bytes, rss_mb)


def run_bare_socket(url: str) -> Run:
    """Read over plain HTTP/1.1 and throw away. Called in a process of its own."""
    buffer, received_bytes = bytearray(4 * 2**20), 0
    with socket.create_connection(("127.0.0.1", int(url.split(":")[2].split("/")[0])), timeout=120) as connection:
        connection.sendall(f"GET /body HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        cpu_before, started = time.process_time(), time.monotonic()
        while got_bytes := connection.recv_into(buffer):
            received_bytes += got_bytes
        elapsed_s, cpu_s = time.monotonic() - started, time.process_time() - cpu_before
    return Run(received_bytes / elapsed_s, cpu_s * 1e9 / received_bytes)


def find_python2() -> str | None:
    """Return a Python 2.7 that runs (pyenv's shim may not): one that pyenv installed, else the PATH's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [str(path) for path in sorted(pyenv.glob("2.7*/bin/python2.7"))]
    candidates += [path for path in [shutil.which("python2.7")] if path]
    return next(
        (path for path in candidates if not subprocess.run([path, "-c", ""], capture_output=True).returncode), None
    )


def run_forerunner(url: str, folder: Path) -> Run | None:
    """Fetch with Pytomo 3.0.4. None where Python 2.7 or the package cannot be had."""
    python, site = find_python2(), folder / "forerunner"
    if python is None:
        return None
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), "Pytomo==3.0.4"]
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    if not site.exists() and subprocess.run(install, capture_output=True, env=environment, timeout=180).returncode:
        return None
    direct = environment | {"no_proxy": "*"}
    script = [python, "-c", FORERUNNER, str(site), url.replace(HOST, "127.0.0.1")]
    done = subprocess.run(script, capture_output=True, text=True, env=direct, cwd=folder, timeout=180)
    if done.returncode:
        return None
    received_bytes, elapsed_s, cpu_s = (float(word) for word in done.stdout.split()[-3:])
    return Run(received_bytes / elapsed_s, cpu_s * 1e9 / received_bytes)


def measure(folder: Path, size_bytes: int, rounds: int) -> dict[str, dict[str, list[Run]]]:
    """Run every client on every protocol, in turn. The forerunner's list is empty where it cannot run."""
    runs: dict[str, dict[str, list[Run]]] = {name: {one: [] for one in ("curl", *WINDOWS)} for name in PROTOCOLS}
    runs["http/1.1"] |= {"forerunner": [], "bare_socket": []}
    certificate = folder / "server.pem"
    spawn = multiprocessing.get_context("spawn")
    with serving(folder, size_bytes) as urls:
        os.environ["SSL_CERT_FILE"] = str(certificate)
        for _ in range(rounds):
            for name, (_, http_version) in PROTOCOLS.items():
                runs[name]["curl"].append(run_curl(urls[name], http_version, certificate))
                for client in WINDOWS:
                    with spawn.Pool(1) as pool:
                        arguments = (urls[name], http_version, str(folder), client)
                        runs[name][client].append(pool.apply(run_window, arguments))
            with spawn.Pool(1) as pool:
                runs["http/1.1"]["bare_socket"].append(pool.apply(run_bare_socket, (urls["http/1.1"],)))
            if (forerunner := run_forerunner(urls["http/1.1"], folder)) is not None:
                runs["http/1.1"]["forerunner"].append(forerunner)
    return runs


def _ratios(ours: list[Run], theirs: list[Run]) -> tuple[float, float]:
    """Return the medians of the rounds' ratios of throughput and of processor time a gigabyte."""
    pairs = list(zip(ours, theirs, strict=True))
    speed = median(one.bytes_per_s / other.bytes_per_s for one, other in pairs)
    return round(speed, 3), round(median(one.cpu_s_per_gb / other.cpu_s_per_gb for one, other in pairs), 3)


def summarise(runs: dict[str, dict[str, list[Run]]]) -> dict[str, Any]:
    """Return the figures that are judged: the worst protocol's ratio to curl."""
    table: dict[str, Any] = {}
    for name, clients in runs.items():
        speed = {client: median(run.bytes_per_s for run in done) for client, done in clients.items() if done}
        cpu = {client: median(run.cpu_s_per_gb for run in done) for client, done in clients.items() if done}
        to_curl, to_plain = _ratios(clients["window"], clients["curl"]), _ratios(clients["sabr"], clients["window"])
        table[name] = {
            **{f"{client}_mb_per_s": round(value / 1e6, 1) for client, value in speed.items()},
            **{f"{client}_cpu_s_per_gb": round(value, 3) for client, value in cpu.items()},
            "throughput_vs_curl": to_curl[0],
            "cpu_per_gb_vs_curl": to_curl[1],
            "sabr_throughput_vs_plain": to_plain[0],
            "sabr_cpu_per_gb_vs_plain": to_plain[1],
        }
    plain = runs["http/1.1"]
    # Within a round: where the forerunner failed in one, nobody knows which are pairs.
    is_paired = len(plain["forerunner"]) == len(plain["window"])
    pairs = list(zip(plain["window"], plain["forerunner"], strict=True)) if is_paired else []
    ratios = [ours.bytes_per_s / theirs.bytes_per_s for ours, theirs in pairs]
    windows = [run for clients in runs.values() for name in WINDOWS for run in clients[name]]
    sabr_speed = min(row["sabr_throughput_vs_plain"] for row in table.values())
    sabr_cpu = max(row["sabr_cpu_per_gb_vs_plain"] for row in table.values())
    return {
        "throughput_vs_curl": min(row["throughput_vs_curl"] for row in table.values()),
        "cpu_per_gb_vs_curl": max(row["cpu_per_gb_vs_curl"] for row in table.values()),
        "throughput_vs_forerunner": round(median(ratios), 2) if ratios else None,
        "worker_rss_mb": round(max(run.rss_mb or 0 for run in windows), 1),
        "sabr_throughput_vs_plain": sabr_speed,
        "sabr_cpu_per_gb_vs_plain": sabr_cpu,
        "sabr_verdict": "kept" if sabr_speed >= SABR_MIN_THROUGHPUT and sabr_cpu <= SABR_MAX_CPU else "MISSED",
        "protocols": table,
    }


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=1_000_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pytomo-benchmark-") as folder:
        summary = summarise(measure(Path(folder), options.bytes, options.rounds))
    if options.json:
        print(json.dumps({name: summary[name] for name in JUDGED}))
        return
    curl = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout.partition("\n")[0]
    print(f"compared: {curl}; window: {pycurl.version}")
    for name, row in summary.pop("protocols").items():
        print(name, " ".join(f"{key}={value}" for key, value in row.items()))
    for key, value in summary.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
