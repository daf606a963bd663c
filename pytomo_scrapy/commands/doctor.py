"""`scrapy doctor`: is this machine fit for a long crawl? `--live` measures one video and asks every source."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, DatabaseCommand, refuse
from pytomo_scrapy.failures import advice_on
from pytomo_scrapy.items.in_words import counted, duration
from pytomo_scrapy.pages import PageRequest, parse_page, popular_sources, watch_request
from pytomo_scrapy.pages.urls import watch_url
from pytomo_scrapy.storage.scrub import scrub, without_identity

if TYPE_CHECKING:
    from pytomo_scrapy.config import Config
    from pytomo_scrapy.reporting.checks import Check

# A free film of ten minutes, public since 2014: long enough for a canary.
LIVE_VIDEO = "aqz-KE-bpKQ"
SAMPLES = Path("databases/samples")
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
# More than any page of the service; an answer without an end must not fill the memory.
_MOST_PAGE_BYTES = 4 * 1024 * 1024
# Bot checks are asked again after pauses, and a service that is slow has its time for each.
_LIVE_LIMIT_S = 300.0


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 fit (perhaps with warnings), 2 usage, 3 something failed."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Check this machine before a long crawl, and say what to do"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON list")
        parser.add_argument("--live", action="store_true", help="also measure one video and ask every source")
        parser.add_argument("--video", default=LIVE_VIDEO, metavar="ID", help="the video of --live")
        parser.add_argument(
            "--transport", default="plain", choices=("plain", "sabr", "both"), help="how --live fetches its media"
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.reporting.checks import run_checks

        if args:
            refuse("doctor takes no argument")
        with self.refusals():
            checked = self.load_config()
        # The machine first: a live measurement on one that is not fit would fail for reasons that these name.
        checks = run_checks(checked)
        if opts.live:
            checks += [
                *ask_sources(checked, opts.video),
                *measure_live(opts.video, checked.database_url, opts.transport),
            ]
        if opts.json:
            print(json.dumps([asdict(one) for one in checks]))
        else:
            _show(checks)
        self.exitcode = EXIT_FAILED if any(one.state == "fail" for one in checks) else 0


def _show(checks: Sequence[Check]) -> None:
    from pytomo_scrapy.reporting.terminal import escape, make_console, say

    console = make_console()
    for one in checks:
        colour = _COLOURS[one.state]
        say(console, f"[{colour}]{one.state:4}[/{colour}] [bold]{escape(one.name)}[/bold]: {escape(one.finding)}")
        if one.advice:
            say(console, f"     {escape(one.advice)}")
    counts = Counter(one.state for one in checks)
    say(console, f"\n{_verdict(counts['fail'], counts['warn'])}")


def _verdict(fail_count: int, warn_count: int) -> str:
    warned = f"{counted(warn_count, 'warning')} above" if warn_count else "nothing to mend"
    if fail_count:
        return f"[red]Not fit for a crawl: {counted(fail_count, 'check')} failed, {warned}.[/red]"
    return f"[green]Fit for a crawl: {warned}.[/green]"


def ask_sources(checked: Config, video_id: str) -> list[Check]:
    """Fetch every source and one watch page; keep a scrubbed sample of what is not understood."""
    pages = {page.source: page for frame in ("today", "week") for page in popular_sources(frame, "US", checked.source)}
    pages[f"watch:{video_id}"] = watch_request(video_id)
    return [_ask(page) for page in pages.values()]


def _ask(page: PageRequest) -> Check:
    from pytomo_scrapy.reporting.checks import Check

    name = f"source {page.source}"
    request = urllib.request.Request(page.url, page.body, dict(page.headers), method=page.method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read(_MOST_PAGE_BYTES)
    except urllib.error.HTTPError as error:
        return Check(name, "warn", f"HTTP status {error.code}", "Wait, or take the source out of PYTOMO_SOURCES.")
    # What answers may be a portal, or speak no HTTP at all.
    except (OSError, HTTPException) as error:
        return Check(name, "warn", f"not reached: {type(error).__name__}", "Check the way to the service.")
    parsed = parse_page(body, page.url)
    if parsed.failure is None:
        return Check(name, "ok", f"lists {counted(len(parsed.videos), 'video')}")
    return Check(name, "warn", parsed.failure, f"A sample for a report is in {_keep_sample(page.source, body)}.")


def _keep_sample(source: str, body: bytes) -> Path:
    SAMPLES.mkdir(parents=True, exist_ok=True)
    path = SAMPLES / ("".join(sign if sign.isalnum() else "-" for sign in source)[:80] + ".txt")
    # Line by line: the scrubber cuts a long text.
    lines = without_identity(body.decode("utf-8", "replace")).splitlines()
    path.write_text("\n".join(scrub(line[at : at + 1500]) or "" for line in lines for at in range(0, len(line), 1500)))
    return path


def measure_live(video_id: str, database_url: str, transport: str = "plain") -> list[Check]:
    """Measure one video as `scrapy measure` does, and tell how each stage went."""
    from pytomo_scrapy.reporting.checks import Check

    # The single file has no interpreter beside it: it is the command itself.
    entry = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "scrapy.cmdline"]
    # A process of its own, as Scrapy's reactor runs once in a process. Five seconds show that a stage works.
    settings = ("PYTOMO_DOWNLOAD_WINDOW_S=5", "PYTOMO_GATE_CANARY=1", f"PYTOMO_DATABASE_URL={database_url}")
    command = [
        *entry,
        "measure",
        "--json",
        "--transport",
        transport,
        watch_url(video_id),  # an id may begin with a dash
        *(word for one in settings for word in ("-s", one)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIVE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        finding = f"not measured within {duration(_LIVE_LIMIT_S)}"
        return [Check("live video", "fail", finding, f"See what it waits for: pytomo measure {watch_url(video_id)}")]
    try:
        record: dict[str, Any] = json.loads(done.stdout)
    # What it said last is the sentence that a user would have seen.
    except ValueError:
        return [Check("live video", "fail", done.stderr.strip()[-300:] or "nothing was stored", "See the log.")]
    downloads, playbacks = record.get("downloads") or [{}], record.get("playbacks") or []
    failures = {
        "resolve": record.get("resolve_failure"),
        "dns": record.get("dns_failure"),
        "ping": record.get("ping_failure"),
        "download": downloads[0].get("failure"),
        "playback": None if playbacks else "no player ran",
    }
    stages = [
        Check(f"stage {name}", "fail" if failure else "ok", failure or "works", advice_on(failure))
        for name, failure in failures.items()
    ]
    # With `both` there are two windows, and either may be the first.
    over_sabr = [_sabr(one) for one in downloads if one.get("transport") == "sabr"]
    return [*stages, *over_sabr, _canary(downloads[0].get("is_identity_clean"))]


def _sabr(window: dict[str, Any]) -> Check:
    """Say what a window over SABR met: nobody has seen this client on the real service."""
    from pytomo_scrapy.reporting.checks import Check

    failure = window.get("failure")
    told = (
        f"protection status {window.get('sabr_protection_status')}, start {window.get('sabr_start_s')} s, "
        f"resume {window.get('sabr_resume_s')} s, readahead {window.get('sabr_readahead_s')} s, "
        f"{window.get('received_bytes')} bytes of media, {window.get('sabr_overhead_bytes')} others"
    )
    if failure is not None:
        return Check("sabr", "warn", f"{failure} ({window.get('failure_detail')}); {told}", advice_on(failure))
    return Check("sabr", "ok", told)


def _canary(is_clean: bool | None) -> Check:
    from pytomo_scrapy.reporting.checks import Check

    # A short video has nothing behind the place where guests are cut off.
    if is_clean is None:
        return Check("canary", "warn", "nothing is told of this guest", "Try --video with a longer one.")
    if is_clean:
        return Check("canary", "ok", "the service serves this guest behind the first two minutes too")
    return Check("canary", "warn", "the service cuts this guest off", advice_on("media_gated"))
