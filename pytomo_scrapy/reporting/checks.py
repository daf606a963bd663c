"""What a machine needs for a crawl of months, checked one by one; each check says what to do where it is not well."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from importlib import import_module
from pathlib import Path

import maxminddb
import pycurl

from pytomo_scrapy.config import Config
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.measure.dns.lookup import leading_somewhere, look_up_hosts
from pytomo_scrapy.measure.ping.probers import open_echo
from pytomo_scrapy.measure.window.known_gate import gate_sentence
from pytomo_scrapy.storage.database import open_database, parse_url
from pytomo_scrapy.storage.measurements.repository import Repository

SERVICE_HOST = "www.youtube.com"
# A full disk ends a crawl: this warns days before.
_LEAST_FREE_BYTES = 2_000_000_000
# The service writes whole seconds, and the way to it takes its time: less shows nothing.
_MOST_SKEW_S = 5.0
_MOST_AGE_DAYS = 60
# The oldest that yt-dlp runs its solver with.
_LEAST_NODE = 22
_MOST_MMDB_AGE_DAYS = 180


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `state` is "ok", "warn" (a crawl runs, with less) or "fail" (it would not)."""

    name: str
    state: str
    finding: str
    advice: str = ""


def run_checks(config: Config, *, now: datetime | None = None) -> list[Check]:
    """Look at the machine. Takes a few seconds where the network is away; raises nothing."""
    now = now or datetime.now(UTC)
    # The database comes first: its check creates and migrates what later ones read.
    parts: Sequence[Callable[[], Sequence[Check]]] = (
        lambda: [check_database(config.database_url)],
        lambda: check_disk(config.database_url),
        lambda: [check_ping(config)],
        lambda: check_resolvers(config),
        lambda: [check_clock(now)],
        lambda: [check_yt_dlp(str(import_module("yt_dlp.version").__version__), now)],
        lambda: [check_javascript()],
        lambda: [check_http3()],
        lambda: [check_networks(config, now)],
        lambda: [check_gate(config)],
    )
    return [check for part in parts for check in part()]


def check_database(url: str) -> Check:
    """Open the database, which also migrates it."""
    try:
        database = open_database(url)
    except StorageError as error:
        return Check("database", "fail", str(error), "Set PYTOMO_DATABASE_URL, or start the server.")
    database.close()
    return Check("database", "ok", f"{database.shown_url} is there and up to date")


def check_disk(url: str) -> list[Check]:
    """Look for room where the database and the windows' media go."""
    path = _file_of(url)
    # Windows leave their media there until they are analysed, wherever the database is.
    folders = {"temporary folder": Path(tempfile.gettempdir())}
    if path is not None:
        folders["database's disk"] = path.absolute().parent
    checks = []
    for name, folder in folders.items():
        # The check of the database has already said why it is not there.
        if not folder.is_dir():
            continue
        free = shutil.disk_usage(folder).free
        state, advice = ("ok", "") if free >= _LEAST_FREE_BYTES else ("warn", "Make room: a full disk stops the crawl.")
        checks.append(Check(name, state, f"{folder} has {free / 1e9:.1f} GB free", advice))
    return checks


def _file_of(url: str) -> Path | None:
    """Return the file of a database. None of a server, and of a URL that is none: its check has said so."""
    try:
        parsed = parse_url(url)
    except StorageError:
        return None
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def check_ping(config: Config) -> Check:
    """Tell which way to ping is permitted."""
    prober, why_not = open_echo(4, config.path.source_address, 1.0)
    if prober is None:
        return Check(
            "ping", "warn", f"ICMP is not permitted ({why_not}): TCP connect times are used",
            "sysctl -w net.ipv4.ping_group_range='0 2147483647', or give the program CAP_NET_RAW.",
        )  # fmt: skip
    prober.close()
    return Check("ping", "ok", "ICMP is permitted")


def check_resolvers(config: Config) -> list[Check]:
    """Ask every configured resolver for the service's host."""
    result = look_up_hosts([SERVICE_HOST], 4, config.dns)
    checks = []
    for resolver in config.dns.resolvers:
        answers = [one for one in result.lookups if one.resolver == resolver.name and one.record_type == "A"]
        elapsed_s = next((one.elapsed_s for one in answers if leading_somewhere(one)), None)
        if elapsed_s is not None:
            checks.append(Check(f"resolver {resolver.name}", "ok", f"answered in {elapsed_s * 1e3:.0f} ms"))
            continue
        # Only the first one's answer is measured: without the others a crawl still runs.
        state = "fail" if resolver is config.dns.resolvers[0] else "warn"
        failure = next((one.failure for one in answers if one.failure), "no answer")
        checks.append(Check(f"resolver {resolver.name}", state, failure, "Change PYTOMO_DNS_RESOLVERS."))
    return checks


def check_clock(now: datetime) -> Check:
    """Compare the clock with the service's, to the second that its header tells."""
    started_s = time.monotonic()
    try:
        request = urllib.request.Request(f"https://{SERVICE_HOST}/generate_204", method="HEAD")
        with urllib.request.urlopen(request, timeout=10) as answer:
            date = answer.headers.get("Date")
    # No failure: without the service a crawl does not run either, and says so itself.
    except (OSError, HTTPException, ValueError) as error:
        return Check("clock", "warn", f"not compared: the service was not reached ({type(error).__name__})",
                     "Check the way to the service (PYTOMO_HTTP_PROXY, https_proxy).")  # fmt: skip
    try:
        theirs = parsedate_to_datetime(date)
        # "-0000" is UTC of a clock that says nothing of its zone (RFC 5322, 3.3): Python gives it none.
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return Check("clock", "warn", "not compared: the service told no time", "Run an NTP client.")
    # `now` was read before the question; the header was written about half of its time later.
    skew_s = (now - theirs).total_seconds() + (time.monotonic() - started_s) / 2
    if abs(skew_s) > _MOST_SKEW_S:
        return Check("clock", "warn", f"{skew_s:+.0f} s beside the service's", "Run an NTP client.")
    return Check("clock", "ok", "agrees with the service's")


def check_yt_dlp(version: str, now: datetime) -> Check:
    """Tell how old yt-dlp is: the service outdates it within months."""
    try:
        year, month, day = (int(part) for part in version.split(".")[:3])
        age_days = (now - datetime(year, month, day, tzinfo=UTC)).days
    # A build of yt-dlp from its sources may have any name for a version.
    except ValueError:
        return Check("yt-dlp", "warn", f"{version}: its age is not known", "pip install --upgrade yt-dlp")
    state = "ok" if age_days <= _MOST_AGE_DAYS else "warn"
    return Check("yt-dlp", state, f"{version}, {age_days} days old", "" if state == "ok" else "pip install -U yt-dlp")


def check_javascript() -> Check:
    """Look for a runtime that yt-dlp can solve the service's challenges with."""
    for name in ("deno", "bun", "qjs"):
        if shutil.which(name):
            return Check("JavaScript", "ok", f"{name} is there")
    node = shutil.which("node")
    if node:
        said = _version_of(node)
        major = said.removeprefix("v").partition(".")[0]
        if major.isdigit() and int(major) >= _LEAST_NODE:
            return Check("JavaScript", "ok", f"node {said} is there")
    return Check("JavaScript", "warn", "no runtime: clients that need a challenge solved fail as js_challenge",
                 "pip install deno, or install node 22 or later.")  # fmt: skip


def _version_of(program: str) -> str:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):  # it cannot be run, or hangs
        return ""
    return said.strip()


def check_http3() -> Check:
    """Tell whether libcurl speaks HTTP/3."""
    # An older pycurl lacks the name of the bit, though its libcurl may have set it.
    has_http3 = bool(pycurl.version_info()[4] & getattr(pycurl, "VERSION_HTTP3", 1 << 25))
    if has_http3:
        return Check("HTTP/3", "ok", "libcurl speaks it")
    return Check("HTTP/3", "warn", "libcurl does not speak it", "Only PYTOMO_HTTP_VERSION=3 needs it.")


def check_networks(config: Config, now: datetime) -> Check:
    """Tell where AS numbers come from, and how old the user's file is: networks change hands."""
    path = config.network.file
    if path is None:
        source = "Team Cymru is asked" if config.network.has_cymru else "they are not looked up"
        return Check("AS numbers", "ok", f"no file: {source}")
    try:
        with maxminddb.open_database(path) as reader:
            built_at = datetime.fromtimestamp(reader.metadata().build_epoch, UTC)
            kind = reader.metadata().database_type
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        return Check("AS numbers", "fail", f"{path} cannot be read: {error}", "Set PYTOMO_AS_FILE to an mmdb file.")
    age_days = (now - built_at).days
    if age_days > _MOST_MMDB_AGE_DAYS:
        return Check("AS numbers", "warn", f"{path} ({kind}) is {age_days} days old", "Load a newer one.")
    return Check("AS numbers", "ok", f"{path} ({kind}), {age_days} days old")


def check_gate(config: Config) -> Check:
    """Tell whether windows reach as far as the service is known to cut guests off."""
    try:
        database = open_database(config.database_url)
        try:
            seen_media_s = Repository(database).least_gated_media_s(config.vantage or platform.node())
        finally:
            database.close()
    except StorageError:
        seen_media_s = None  # the check of the database says why
    sentence = gate_sentence(config.download, seen_media_s)
    if sentence is None:
        return Check("gate", "ok", "windows end before the service is known to cut guests off")
    return Check("gate", "warn", sentence, "PYTOMO_GATE_CANARY tells which guests it cuts off.")
