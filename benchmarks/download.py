"""Compare the download window with curl, and with the forerunner, on one gigabyte from nginx on loopback.

    python benchmarks/download.py [--json] [--rounds 3] [--bytes 1000000000]

Throughput is body bytes over wall time, CPU is user and system seconds of the client alone, both the median of the
rounds, which are interleaved. The window runs as in a crawl: its own process, arrival trace, TCP_INFO and spool.
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
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.download import WindowPlan, download_window

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
  server {{ listen 127.0.0.1:{ports[0]}; root {folder}; }}
  server {{ listen 127.0.0.1:{ports[1]} http2; root {folder}; }}
  server {{ listen 127.0.0.1:{ports[2]} ssl; root {folder}; }}
  server {{ listen 127.0.0.1:{ports[3]} ssl http2; root {folder}; }}
}}
"""


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
    with (folder / "body").open("wb") as body:
        body.truncate(size_bytes)
    make_certificate(folder / "server.pem")
    ports = free_ports(len(PROTOCOLS))
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, ports=ports, pem=folder / "server.pem", user=user))
    with subprocess.Popen(
        [program, "-c", str(settings), "-e", str(folder / "error.log")], stderr=subprocess.DEVNULL
    ) as server:
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


def run_window(url: str, http_version: str, folder: str) -> Run:
    """Fetch with our window. Called in a process of its own."""
    port = int(url.split(":")[2].split("/")[0])
    media = MediaFormat("muxed", "18", url, HOST, port)
    plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=folder)
    config = DownloadConfig(window_s=120, max_bytes=10**12, http_version=http_version)
    cpu_before, started = time.process_time(), time.monotonic()
    result = download_window(plan, config)
    elapsed_s, cpu_s = time.monotonic() - started, time.process_time() - cpu_before
    if result.failure is not None or result.ended_by != "complete" or not result.streams[0].arrival_s:
        raise RuntimeError(f"the window failed: {result.failure} {result.failure_detail}")
    Path(result.streams[0].spool_path or "").unlink()
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Run(result.received_bytes / elapsed_s, cpu_s * 1e9 / result.received_bytes, rss_mb)


def measure(folder: Path, size_bytes: int, rounds: int) -> dict[str, dict[str, list[Run]]]:
    """Run every client on every protocol, in turn."""
    runs: dict[str, dict[str, list[Run]]] = {name: {"curl": [], "window": []} for name in PROTOCOLS}
    certificate = folder / "server.pem"
    spawn = multiprocessing.get_context("spawn")
    with serving(folder, size_bytes) as urls:
        os.environ["SSL_CERT_FILE"] = str(certificate)
        for _ in range(rounds):
            for name, (_, http_version) in PROTOCOLS.items():
                runs[name]["curl"].append(run_curl(urls[name], http_version, certificate))
                with spawn.Pool(1) as pool:
                    runs[name]["window"].append(pool.apply(run_window, (urls[name], http_version, str(folder))))
    return runs


def summarise(runs: dict[str, dict[str, list[Run]]], forerunner: float | None) -> dict[str, Any]:
    """Return the figures that are judged: the worst protocol's ratio to curl."""
    table: dict[str, Any] = {}
    for name, clients in runs.items():
        speed = {client: statistics.median(run.bytes_per_s for run in done) for client, done in clients.items()}
        cpu = {client: statistics.median(run.cpu_s_per_gb for run in done) for client, done in clients.items()}
        table[name] = {
            "curl_mb_per_s": round(speed["curl"] / 1e6, 1),
            "window_mb_per_s": round(speed["window"] / 1e6, 1),
            "curl_cpu_s_per_gb": round(cpu["curl"], 3),
            "window_cpu_s_per_gb": round(cpu["window"], 3),
            "throughput_vs_curl": round(speed["window"] / speed["curl"], 3),
            "cpu_per_gb_vs_curl": round(cpu["window"] / cpu["curl"], 3),
        }
    plain_bytes_per_s = statistics.median(run.bytes_per_s for run in runs["http/1.1"]["window"])
    return {
        "throughput_vs_curl": min(row["throughput_vs_curl"] for row in table.values()),
        "cpu_per_gb_vs_curl": max(row["cpu_per_gb_vs_curl"] for row in table.values()),
        "throughput_vs_forerunner": None if forerunner is None else round(plain_bytes_per_s / forerunner, 2),
        "worker_rss_mb": round(max(run.rss_mb or 0 for clients in runs.values() for run in clients["window"]), 1),
        "forerunner_mb_per_s": None if forerunner is None else round(forerunner / 1e6, 1),
        "protocols": table,
    }


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bytes", type=int, default=1_000_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pytomo-benchmark-") as folder:
        summary = summarise(measure(Path(folder), options.bytes, options.rounds), None)
    if options.json:
        print(json.dumps(summary))
        return
    for name, row in summary.pop("protocols").items():
        print(name, " ".join(f"{key}={value}" for key, value in row.items()))
    for key, value in summary.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
