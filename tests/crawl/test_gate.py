"""The gate: who may be on the wire together, in which order, and what a stop does."""

from __future__ import annotations

import asyncio

import pytest
from scrapy.http import Request, Response

from pytomo_scrapy.crawl.gate import Activity, Gate, Stopped
from pytomo_scrapy.crawl.gate_middleware import GateMiddleware
from pytomo_scrapy.crawl.idle_time import idle_figures


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("held", "wanted", "is_together"),
    [
        (Activity.PAGE, Activity.PAGE, True),
        (Activity.PROBE, Activity.PROBE, True),
        (Activity.PAGE, Activity.ANALYSIS, True),
        (Activity.PAGE, Activity.PROBE, False),
        (Activity.PROBE, Activity.ANALYSIS, False),
        (Activity.WINDOW, Activity.WINDOW, False),
        (Activity.WINDOW, Activity.PAGE, False),
        (Activity.WINDOW, Activity.PROBE, False),
        (Activity.WINDOW, Activity.ANALYSIS, False),
    ],
)
def test_quiet_gate_lets_together_only_what_does_not_disturb(
    held: Activity, wanted: Activity, is_together: bool
) -> None:
    async def run() -> None:
        gate = Gate(is_quiet=True)
        await gate.acquire(held)
        second = asyncio.create_task(gate.acquire(wanted))
        await settle()
        assert second.done() is is_together
        gate.release(held)
        await asyncio.wait_for(second, 1)

    asyncio.run(run())


def test_loud_gate_keeps_only_windows_apart() -> None:
    async def run() -> None:
        gate = Gate(is_quiet=False)
        await gate.acquire(Activity.WINDOW)
        for activity in (Activity.PAGE, Activity.PROBE, Activity.ANALYSIS):
            await asyncio.wait_for(gate.acquire(activity), 1)
        second = asyncio.create_task(gate.acquire(Activity.WINDOW))
        await settle()
        assert not second.done()
        gate.release(Activity.WINDOW)
        await asyncio.wait_for(second, 1)

    asyncio.run(run())


def test_waiting_window_is_not_overtaken_by_later_pages() -> None:
    async def run() -> None:
        gate, order = Gate(is_quiet=True), []
        await gate.acquire(Activity.PAGE)

        async def take(activity: Activity, name: str) -> None:
            async with gate.hold(activity):
                order.append(name)

        tasks = [asyncio.create_task(take(Activity.WINDOW, "window")), asyncio.create_task(take(Activity.PAGE, "page"))]
        await settle()
        assert order == []
        gate.release(Activity.PAGE)
        await asyncio.gather(*tasks)
        assert order == ["window", "page"]

    asyncio.run(run())


def test_cancelled_waiter_leaves_the_gate_usable() -> None:
    async def run() -> None:
        gate = Gate(is_quiet=True)
        await gate.acquire(Activity.WINDOW)
        waiter = asyncio.create_task(gate.acquire(Activity.WINDOW))
        await settle()
        gate.release(Activity.WINDOW)  # hands the turn to the waiter in the same breath
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        await asyncio.wait_for(gate.acquire(Activity.WINDOW), 1)

    asyncio.run(run())


def test_stop_turns_waiters_away_but_lets_analyses_through() -> None:
    async def run() -> None:
        gate = Gate(is_quiet=True)
        await gate.acquire(Activity.WINDOW)
        window = asyncio.create_task(gate.acquire(Activity.WINDOW))
        analysis = asyncio.create_task(gate.acquire(Activity.ANALYSIS))
        await settle()
        gate.stop()
        await settle()
        assert isinstance(window.exception(), Stopped)
        gate.release(Activity.WINDOW)
        await asyncio.wait_for(analysis, 1)
        with pytest.raises(Stopped):
            await gate.acquire(Activity.PAGE)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("ahead_count", "windows", "expected"),
    [
        # Idle 2, 1, 4.
        (1, [(0, 30), (32, 62), (63, 93), (97, 127)], {"idle_s": 2.0, "idle_mean_s": 2.333, "idle_max_s": 4.0}),
        # Idle 0, 4, 0, 4, 0: two prepared together for 4 s are 2 s each, although most single gaps are 0.
        (
            2,
            [(0, 5), (5, 10), (14, 19), (19, 24), (28, 33), (33, 38)],
            {"idle_s": 2.0, "idle_mean_s": 1.6, "idle_max_s": 4.0},
        ),
        # One gap alone is its own average.
        (2, [(0, 5), (8, 13)], {"idle_s": 3.0, "idle_mean_s": 3.0, "idle_max_s": 3.0}),
    ],
)
def test_idle_time_is_shared_by_videos_that_are_prepared_together(
    ahead_count: int, windows: list[tuple[int, int]], expected: dict[str, float]
) -> None:
    async def run() -> None:
        now = [0.0]
        gate = Gate(is_quiet=True, clock=lambda: now[0])
        for start_s, end_s in windows:
            now[0] = start_s
            await gate.acquire(Activity.WINDOW)
            now[0] = end_s
            gate.release(Activity.WINDOW)
        stats = idle_figures(gate.idle_s, ahead_count)
        assert stats == {f"pytomo/gate/{name}": value for name, value in expected.items()}

    asyncio.run(run())


def test_middleware_gives_the_gate_back_after_answers_and_failures() -> None:
    async def run() -> None:
        gate = Gate(is_quiet=True)
        middleware = GateMiddleware(gate)
        for end in (
            lambda request: middleware.process_response(request, Response(request.url)),
            lambda request: middleware.process_exception(request, OSError()),
        ):
            request = Request("https://www.youtube.com/")
            await middleware.process_request(request)
            blocked = asyncio.create_task(gate.acquire(Activity.WINDOW))
            await settle()
            assert not blocked.done()
            end(request)
            await asyncio.wait_for(blocked, 1)
            gate.release(Activity.WINDOW)

    asyncio.run(run())


def test_middleware_ignores_requests_that_do_not_touch_the_wire() -> None:
    async def run() -> None:
        gate = Gate(is_quiet=True)
        await gate.acquire(Activity.WINDOW)
        await asyncio.wait_for(GateMiddleware(gate).process_request(Request("data:,")), 1)

    asyncio.run(run())


@pytest.mark.parametrize("is_stopped_before", [True, False])
def test_pause_holds_nothing_and_a_stop_ends_it_at_once(is_stopped_before: bool) -> None:
    async def run() -> None:
        gate = Gate(is_quiet=True)
        if is_stopped_before:
            gate.stop()
        pause = asyncio.create_task(gate.pause(3600))
        await settle()
        if not is_stopped_before:
            assert not pause.done()
            await gate.acquire(Activity.WINDOW)
            gate.stop()
        with pytest.raises(Stopped):
            await asyncio.wait_for(pause, 1)

    asyncio.run(run())


def test_pause_that_nothing_stops_ends_in_its_time() -> None:
    asyncio.run(asyncio.wait_for(Gate(is_quiet=True).pause(0.001), 1))
