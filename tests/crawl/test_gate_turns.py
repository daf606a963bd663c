"""Turns at the gate as scripts: who comes, who leaves, and who holds it after each step."""

from __future__ import annotations

import asyncio

import pytest

from pytomo_scrapy.config import EnduranceConfig
from pytomo_scrapy.crawl.gate import Activity, Gate, Stopped
from pytomo_scrapy.crawl.idle_time import idle_figures
from pytomo_scrapy.crawl.politeness import BackOff, Politeness
from pytomo_scrapy.failures import Stage
from tests.factories import make_download, make_item, make_resolve

ACTIVITIES = {one.name[0]: one for one in Activity if one is not Activity.PROBE} | {"D": Activity.PROBE}


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def play(gate: Gate, script: str) -> list[str]:
    """Play a script; return who holds the gate after each step, or was turned away.

    "+W1" comes as 1 for a window (P page, D DNS or ping, W window, A analysis), "-1" leaves, "x1" is cancelled while
    it waits, "stop" stops the gate.
    """
    holding: list[str] = []
    leave: dict[str, asyncio.Event] = {}
    tasks: dict[str, asyncio.Task[None]] = {}
    seen: list[str] = []

    async def visit(name: str, activity: Activity) -> None:
        try:
            async with gate.hold(activity):
                holding.append(name)
                await leave[name].wait()
                holding.remove(name)
        except Stopped:
            holding.append(f"!{name}")

    for step in script.split():
        name = step[-1]
        if step == "stop":
            gate.stop()
        elif step[0] == "+":
            leave[name] = asyncio.Event()
            tasks[name] = asyncio.create_task(visit(name, ACTIVITIES[step[1]]))
        elif step[0] == "-":
            leave[name].set()
        else:
            tasks[name].cancel()
        await settle()
        seen.append("".join(holding))
    for event in leave.values():
        event.set()
    await asyncio.wait_for(asyncio.gather(*tasks.values(), return_exceptions=True), 10)
    return seen


@pytest.mark.parametrize(
    ("script", "holders"),
    [
        # Pages hold it together, and a window waits for the last of them.
        ("+P1 +P2 +W3 -1 -2", "1 12 12 2 3"),
        # Whoever comes after a waiting window waits behind it, even where it could go in with the others.
        ("+P1 +W2 +P3 -1 -2", "1 1 1 2 3"),
        # An analysis goes with pages, not with probes.
        ("+P1 +A2 +D3 -1 -2", "1 12 12 2 3"),
        ("+D1 +D2 +A3 -1 -2", "1 12 12 2 3"),
        # Several that may go together enter together.
        ("+W1 +P2 +A3 +P4 +D5 -1", "1 1 1 1 1 234"),
        # One who no longer waits holds up nobody.
        ("+W1 +W2 +P3 x2 -1", "1 1 1 1 3"),
        ("+W1 +W2 +P3 -1 -2 -3", "1 1 1 2 3 -"),
        # A stop turns those away who wait or come, but for analyses; who holds the gate keeps it.
        ("+W1 +P2 +A3 stop -1", "1 1 1 1!2 !23"),
        ("+W1 stop +P2 +A3 -1", "1 1 1!2 1!2 !23"),
        ("stop +W1 +A2 +D3", "- !1 !12 !12!3"),
        ("+P1 +D2 stop +A3", "1 1 1!2 1!23"),
    ],
)
def test_turns_at_the_quiet_gate(script: str, holders: str) -> None:
    seen = asyncio.run(play(Gate(is_quiet=True), script))
    assert [one or "-" for one in seen] == holders.split()


@pytest.mark.parametrize(
    ("script", "holders"),
    [
        ("+W1 +P2 +D3 +A4 +W5 -1", "1 12 123 1234 1234 2345"),
        # First come, first served: a waiting window holds up the next page here too.
        ("+W1 +W2 +P3 -1", "1 1 1 23"),
    ],
)
def test_turns_at_the_loud_gate(script: str, holders: str) -> None:
    assert asyncio.run(play(Gate(is_quiet=False), script)) == holders.split()


@pytest.mark.parametrize(
    ("ahead_count", "idle_s", "median_s", "mean_s", "max_s"),
    [
        (1, [2.0, 1.0, 4.0], 2.0, 2.333, 4.0),
        # Pairs of 0 4 0 4: (0+4)/2, (4+0)/2, (0+4)/2.
        (2, [0.0, 4.0, 0.0, 4.0], 2.0, 2.0, 4.0),
        # Threes of 0 0 6 0: (0+0+6)/3, (0+6+0)/3.
        (3, [0.0, 0.0, 6.0, 0.0], 2.0, 1.5, 6.0),
        (9, [1.0, 2.0], 1.5, 1.5, 2.0),  # fewer gaps than are prepared together
    ],
)
def test_idle_time_is_shared_among_those_prepared_together(
    ahead_count: int, idle_s: list[float], median_s: float, mean_s: float, max_s: float
) -> None:
    figures = idle_figures(idle_s, ahead_count)
    assert list(figures.values()) == [median_s, mean_s, max_s]
    assert idle_figures([], ahead_count) == {}


# How long the service is left alone.


@pytest.mark.parametrize(
    ("settings", "events", "waits_s", "is_over"),
    [
        # Once a minute; then pauses of an hour, two, four.
        ((60.0, 3600.0, 3), "rrrr", [60.0, 3600.0, 7200.0, 14400.0], False),
        ((60.0, 3600.0, 3), "rrrrr", [60.0, 3600.0, 7200.0, 14400.0, 28800.0], True),
        ((60.0, 3600.0, 0), "rr", [60.0, 3600.0], True),
        # An answer starts over, wherever it comes.
        ((60.0, 3600.0, 1), "rrarr", [60.0, 3600.0, 60.0, 3600.0], False),
        # No retry: the first refusal waits for nothing, the second for a whole pause.
        ((0.0, 3600.0, 1), "rrr", [0.0, 3600.0, 7200.0], True),
        # No pause: it never ends.
        ((60.0, 0.0, 1), "rrrrr", [60.0, 0.0, 0.0, 0.0, 0.0], False),
    ],
)
def test_refusals_wait_longer_each_time_until_the_end(
    settings: tuple[float, float, int], events: str, waits_s: list[float], is_over: bool
) -> None:
    retry_s, pause_s, max_pauses = settings
    config = EnduranceConfig(backoff_retry_s=retry_s, backoff_pause_s=pause_s, backoff_max_pauses=max_pauses)
    back_off, now_s, found = BackOff(config), 0.0, []
    for event in events:
        if event == "a":
            back_off.answered()
        else:
            found.append(back_off.refused(now_s))
            assert back_off.wait_s(now_s) == found[-1]
            now_s += found[-1]
    assert (found, back_off.is_over) == (waits_s, is_over)


@pytest.mark.parametrize(
    ("failure", "stage", "received_bytes", "counts"),
    [
        ("http_403", Stage.DOWNLOAD, 0, True),
        ("client_broken", Stage.RESOLVE, None, True),
        ("http_403", Stage.RESOLVE, None, False),  # of the page, not of the media
        ("client_broken", Stage.DOWNLOAD, 0, False),
        ("reset", Stage.DOWNLOAD, 0, False),
        (None, None, 600, False),
    ],
)
def test_broken_client_is_told_by_media_refused_at_their_start(
    failure: str | None, stage: Stage | None, received_bytes: int | None, counts: bool
) -> None:
    politeness = Politeness(EnduranceConfig(broken_client_max=1), Gate(is_quiet=True))
    downloads = () if received_bytes is None else (make_download(received_bytes=received_bytes),)
    item = make_item(resolve=make_resolve(), downloads=downloads)
    if failure is not None and stage is not None:
        item.fail(stage, failure)
    politeness.stored(item)
    assert politeness.is_over == counts
    assert ("yt-dlp is too old" in politeness.sentence()) == counts


@pytest.mark.parametrize(
    ("failure", "stage", "has_resolve", "answered"),
    [
        (None, None, True, True),
        ("reset", Stage.DOWNLOAD, True, True),  # the service spoke with us
        ("private", Stage.RESOLVE, False, False),  # neither a refusal nor an answer that tells anything
        (None, None, False, False),
    ],
)
def test_measurement_that_was_resolved_ends_the_row_of_refusals(
    failure: str | None, stage: Stage | None, has_resolve: bool, answered: bool
) -> None:
    now = [0.0]
    config = EnduranceConfig(backoff_retry_s=60.0, backoff_pause_s=3600.0)
    politeness = Politeness(config, Gate(is_quiet=True), clock=lambda: now[0])
    politeness.note("bot_check")
    item = make_item(resolve=make_resolve() if has_resolve else None)
    if failure is not None and stage is not None:
        item.fail(stage, failure)
    politeness.stored(item)
    now[0] = 60.0
    politeness.note("bot_check")
    # The first refusal again, or the second one, which brings a pause.
    assert politeness._back_off.wait_s(60.0) == (60.0 if answered else 3600.0)
