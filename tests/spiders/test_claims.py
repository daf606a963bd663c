"""Claims of one walk over a frontier of plain lists: how many at once, the list behind them, and what is given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.spiders import claims as module
from pytomo_scrapy.spiders import user_list
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.spiders.claims import Claims
from pytomo_scrapy.spiders.user_list import VideoList
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo


def make_claim(claim_id: int, **overrides: Any) -> Claim:
    values: dict[str, Any] = {
        "id": claim_id, "kind": "video", "service": "youtube", "video_id": f"video{claim_id}", "url": None, "depth": 1,
        "order": claim_id, "pass_number": 1, "source": "urls", "seed_source": None, "parent_id": None,
        "is_expanded": False, "attempt_count": 1,
    }  # fmt: skip
    return Claim(**{**values, **overrides})


class FakeFrontier:
    """Gives out the claims of its list; `elsewhere` is how often it says that others still hold some."""

    def __init__(self, *queued: Claim, limit: int = 10**6) -> None:
        self.queued = list(queued)
        self.limit = limit
        self.elsewhere = 0
        self.takes_listed = True  # False: other machines have claimed each of them by now
        self.log: list[str] = []

    def claim(self) -> Claim | None:
        return self.queued.pop(0) if self.queued else None

    def has_unfinished(self) -> bool:
        self.elsewhere -= 1
        return self.elsewhere >= 0

    def is_full(self) -> bool:
        return self.limit <= 0

    def add_listed(self, videos: Sequence[FoundVideo], position: int, *, is_end: bool) -> int:
        self.log.append(f"listed {len(videos)} to {position}{' end' if is_end else ''}")
        if not self.takes_listed:
            return 0
        self.queued += [make_claim(position * 10 + place) for place, _ in enumerate(videos)]
        self.limit -= len(videos)
        return len(videos)

    def add_sources(self, sources: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self.log += [f"source {name}" for name, _ in sources]

    def release(self, claim_id: int) -> None:
        self.log.append(f"release {claim_id}")

    def release_all(self, except_ids: Sequence[int]) -> None:
        self.log.append(f"release all but {sorted(except_ids)}")

    def renew(self) -> None:
        self.log.append("renew")


class FakeStorage:
    """Asks at once; `away` says before which questions the database is away."""

    def __init__(self) -> None:
        self.away: list[str] = []
        self.failures: list[str] = []

    async def ask(self, function: Callable[..., Any], *given: Any, **more: Any) -> Any:
        answer = function(*given, **more)
        if function.__name__ in self.away:
            self.away.remove(function.__name__)
            raise StorageError("The database is away.")
        return answer

    async def write(self, function: Callable[..., Any], *given: Any, **more: Any) -> None:
        try:
            await self.ask(function, *given, **more)
        except StorageError as error:
            self.failures.append(str(error))


class Held:
    """Claims over a fake frontier, and the state of their crawl."""

    def __init__(self, *queued: Claim, ahead: int = 2, limit: int = 10**6) -> None:
        self.frontier, self.storage, self.is_ended = FakeFrontier(*queued, limit=limit), FakeStorage(), False
        self.claims = Claims(self.storage, self.frontier, ahead, lambda: self.is_ended)  # type: ignore[arg-type]

    async def take(self, count: int) -> list[int | None]:
        """Return the ids of the next claims; each is done at once."""
        found: list[int | None] = []
        for _ in range(count):
            claim = await asyncio.wait_for(self.claims.next(), 10)
            found.append(claim and claim.id)
            self.claims.done(claim.id if claim else None)
        return found


@pytest.fixture(autouse=True)
def no_idling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_POLL_S", 0.001)


def list_of(*names: str, monkeypatch: pytest.MonkeyPatch, batch: int = 2) -> VideoList:
    monkeypatch.setattr(user_list, "BATCH_VIDEOS", batch)
    return VideoList(WalkArguments(urls=names))


IDS = tuple("abcdefghij" + letter for letter in "ABCDE")


def test_claims_come_in_their_order_and_end_when_nothing_is_unfinished() -> None:
    held = Held(make_claim(1), make_claim(2), make_claim(3))
    assert asyncio.run(held.take(4)) == [1, 2, 3, None]


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_claims_are_no_more_than_there_is_room_for_and_the_next_comes_when_one_is_done(ahead: int) -> None:
    held = Held(*(make_claim(number) for number in range(1, 6)), ahead=ahead)

    async def run() -> None:
        for number in range(1, ahead + 1):
            claim = await held.claims.next()
            assert claim is not None and claim.id == number
        waiting = asyncio.create_task(held.claims.next())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done() and len(held.frontier.queued) == 5 - ahead
        held.claims.done(1)
        claim = await asyncio.wait_for(waiting, 10)
        assert claim is not None and claim.id == ahead + 1

    asyncio.run(run())


def test_claims_wait_for_what_others_hold_and_take_what_they_give_back() -> None:
    held = Held()
    held.frontier.elsewhere = 3

    def give_back_at_the_second_look() -> bool:
        held.frontier.elsewhere -= 1
        if held.frontier.elsewhere == 1:
            held.frontier.queued.append(make_claim(7))
        return held.frontier.elsewhere >= 0

    held.frontier.has_unfinished = give_back_at_the_second_look  # type: ignore[method-assign]
    assert asyncio.run(held.take(2)) == [7, None]
    assert held.frontier.elsewhere == -1, "3 - 2 looks before the claim, and 2 after it"


def test_claims_end_at_once_where_the_crawl_does() -> None:
    held = Held(make_claim(1))
    held.is_ended = True
    assert asyncio.run(held.take(1)) == [None] and len(held.frontier.queued) == 1


def test_claim_that_is_nobodys_makes_no_room_and_disturbs_nothing() -> None:
    held = Held(make_claim(1), make_claim(2), ahead=1)

    async def run() -> None:
        await held.claims.next()
        held.claims.done(None)
        held.claims.done(99)
        assert held.claims._in_flight == {1}

    asyncio.run(run())


def test_claim_whose_answer_was_lost_is_freed_before_the_next_and_what_is_held_stays() -> None:
    held = Held(make_claim(1), make_claim(2), make_claim(3))

    async def run() -> None:
        first = await held.claims.next()
        assert first is not None and first.id == 1
        held.frontier.claim, answer = lose, held.frontier.claim  # type: ignore[method-assign]
        with pytest.raises(StorageError):
            await held.claims.next()
        held.frontier.claim = answer  # type: ignore[method-assign]
        assert held.frontier.log == []
        second = await held.claims.next()
        assert second is not None and held.frontier.log == ["release all but [1]"]
        held.claims.done(1)
        await held.claims.next()
        assert held.frontier.log == ["release all but [1]"], "once is enough"

    def lose() -> Claim | None:
        raise StorageError("The connection was lost.")

    asyncio.run(run())


def test_claim_given_back_makes_room_even_where_the_database_is_away() -> None:
    held = Held(make_claim(1), ahead=1)

    async def run() -> None:
        await held.claims.next()
        held.storage.away = ["release"]
        await held.claims.give_back(1)

    asyncio.run(run())
    assert held.frontier.log == ["release 1"] and held.claims._in_flight == set()
    assert held.storage.failures == ["The database is away."]


def test_leases_are_renewed_again_and_again_and_survive_an_outage() -> None:
    held = Held()
    held.storage.away = ["renew"]

    async def run() -> None:
        renewal = asyncio.create_task(held.claims.renew_leases(0.0))
        while len(held.frontier.log) < 3:
            await asyncio.sleep(0)
        renewal.cancel()

    asyncio.run(run())
    assert held.frontier.log[:3] == ["renew"] * 3 and held.storage.away == []


def test_sources_are_queued_in_their_order() -> None:
    held = Held()
    asyncio.run(held.claims.seed_sources([("charts", {}), ("search", {})]))
    assert held.frontier.log == ["source charts", "source search"]


# A user's list.


def test_list_is_read_on_when_its_last_batch_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    held.claims.seed_list(list_of(*IDS, monkeypatch=monkeypatch))

    async def run() -> list[list[str]]:
        read = []
        for _ in range(6):
            await held.take(1)
            read.append(list(held.frontier.log))
        return read

    read = asyncio.run(run())
    two, four, end = "listed 2 to 2", "listed 2 to 4", "listed 1 to 5 end"
    assert read == [[two], [two], [two, four], [two, four], [two, four, end], [two, four, end]]


def test_list_is_not_read_on_for_a_claim_of_a_related_video(monkeypatch: pytest.MonkeyPatch) -> None:
    """Related videos (depth 2) are not of the list: claiming them brings no further batch."""
    held = Held()
    held.claims.seed_list(list_of(*IDS, monkeypatch=monkeypatch))

    async def run() -> None:
        await held.take(1)
        held.frontier.queued.insert(0, make_claim(77, depth=2))
        assert await held.take(2) == [77, 21]  # the second of the batch is still to come

    asyncio.run(run())
    assert held.frontier.log == ["listed 2 to 2"]


def test_list_is_read_on_where_other_machines_have_claimed_what_we_read(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    held.frontier.takes_listed = False
    held.claims.seed_list(list_of(*IDS, monkeypatch=monkeypatch))
    assert asyncio.run(held.take(1)) == [None]
    assert held.frontier.log == ["listed 2 to 2", "listed 2 to 4", "listed 1 to 5 end"]


def test_list_goes_on_where_what_we_queued_was_claimed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    held.claims.seed_list(list_of(*IDS, monkeypatch=monkeypatch))
    asyncio.run(held.take(1))
    held.frontier.queued.clear()  # another machine took the second of the batch
    assert asyncio.run(held.take(1)) == [40]
    assert held.frontier.log[-1] == "listed 2 to 4"


@pytest.mark.parametrize(("limit", "read_count"), [(0, 0), (2, 1), (3, 2)])
def test_list_is_read_no_further_than_the_limit(limit: int, read_count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(limit=limit)
    held.claims.seed_list(list_of(*IDS, monkeypatch=monkeypatch))
    found = asyncio.run(held.take(6))
    assert len(held.frontier.log) == read_count and None in found
