"""What becomes of a claim whose attempts end without a row: pauses, what counts as an attempt, and its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.spiders import walk as walk_module
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.spiders.claims import MAX_ATTEMPTS
from pytomo_scrapy.spiders.walk import Walk
from pytomo_scrapy.storage.frontier.frontier import Claim
from tests.factories import make_item
from tests.spiders.played_walk import Frontier, Played, play
from tests.spiders.test_claims import make_claim


class Counting(Frontier):
    """A frontier that says of each claim that comes back whether it was an attempt."""

    def release(self, claim_id: int, *, is_counted: bool = True) -> None:
        self.log.append(f"release {claim_id}{'' if is_counted else ' uncounted'}")

    def finish(self, claim_id: int, connection: object) -> None:
        self.log.append(f"finish claim {claim_id} in {connection}")


class Repository:
    """Knows the arms of a study that were measured for a claim."""

    def measured_arms(self, study_name: str, claim_id: int) -> frozenset[str]:
        return frozenset({f"{study_name} of {claim_id}"})


class Database:
    @contextmanager
    def write(self) -> Iterator[str]:
        yield "one transaction"


class Opened:
    """Stores in a list, or is away."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble, self.stored = trouble, list[VideoItem]()

    async def store(self, item: VideoItem) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.stored.append(item)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    found = Played(monkeypatch, Counting(), WalkArguments(urls=("aaaaaaaaaaa",)))
    storage: Any = found.context.storage
    storage.database, storage.repository, storage.opened = Database(), Repository(), Opened()
    return found


def act(played: Played, what: Callable[[Walk], Awaitable[Any]], held: Claim | None = None) -> tuple[Any, list[str]]:
    """Do something with an open walk that holds a claim. Returns what came of it, and what was noted."""

    async def run() -> Any:
        walk = await played.open()
        if held is not None:
            walk._claims._in_flight.add(held.id)
        del played.log[:]
        found = await what(walk)
        assert held is None or held.id not in walk._claims._in_flight, "there is room for another"
        return found

    return play(run()), played.log


@pytest.mark.parametrize(
    ("attempt_count", "log"),
    [
        (1, ["ready"]),
        (2, ["ready"]),
        # What has ended two attempts may have ended the crawler: not at full speed again.
        (3, [f"sleep {walk_module.RETRY_PAUSE_S:g}", "ready"]),
        (MAX_ATTEMPTS, [f"sleep {walk_module.RETRY_PAUSE_S:g}", "ready"]),
        # Given up at once: nothing is asked for it any more.
        (MAX_ATTEMPTS + 1, []),
    ],
)
def test_attempt_after_attempts_that_left_no_row_waits_a_moment(
    monkeypatch: pytest.MonkeyPatch, attempt_count: int, log: list[str]
) -> None:
    played = Played(monkeypatch, Counting(make_claim(1, attempt_count=attempt_count)))
    assert play(played.claims()) == [1]
    assert played.log[3:-1] == log and played.log[-1] == "claim 1"
    assert Walk.is_hopeless(make_claim(1, attempt_count=attempt_count)) is (attempt_count > MAX_ATTEMPTS)


@pytest.mark.parametrize(("is_stopping", "log"), [(False, ["release 7"]), (True, ["release 7 uncounted"])])
def test_claim_that_a_stop_gives_back_was_no_attempt(played: Played, is_stopping: bool, log: list[str]) -> None:
    played.context.gate.is_stopping = is_stopping
    assert act(played, lambda walk: walk.give_back(7), make_claim(7))[1] == log


def test_claim_is_free_although_the_database_is_away_when_it_is_given_back(played: Played) -> None:
    async def give_back(walk: Walk) -> None:
        played.context.storage.away = ["release"]
        await walk.give_back(7)

    act(played, give_back, make_claim(7))
    assert played.context.storage.failures == ["The database is away."]


@pytest.mark.parametrize(("has_met", "found", "log"), [(True, True, ["release 7 uncounted"]), (False, False, [])])
def test_source_whose_page_met_an_outage_is_asked_again_and_it_was_no_attempt(
    played: Played, has_met: bool, found: bool, log: list[str]
) -> None:
    asked = []

    class Outages:
        async def met_page(self, url: str, failure: str) -> bool:
            asked.append((url, failure))
            return has_met

    played.context.outages = Outages()  # type: ignore[assignment]
    claim = make_claim(7, kind="source")
    met = act(
        played, lambda walk: walk.met_outage(claim, "http://toy.test/", "page_timeout"), claim if has_met else None
    )
    assert met == (found, log) and asked == [("http://toy.test/", "page_timeout")]


def test_video_that_is_given_up_leaves_a_row_that_says_why(played: Played, caplog: pytest.LogCaptureFixture) -> None:
    claim, item = make_claim(7, attempt_count=MAX_ATTEMPTS + 1), make_item(claim_id=7)
    _, log = act(played, lambda walk: walk.give_up(claim, item), claim)
    assert played.context.storage.opened.stored == [item] and log == []  # type: ignore[attr-defined]
    assert (item.failure, item.failure_stage) == ("gave_up", "store")
    assert item.failure_detail is not None and item.failure_detail.startswith("5 attempts ended without a row")
    ours = [record.message for record in caplog.records if record.name.startswith("pytomo_scrapy")]
    assert ours == [f"video7 is given up: {item.failure_detail}"]


def test_source_that_is_given_up_is_done_with_that_class_and_not_asked_again(played: Played) -> None:
    claim = make_claim(7, kind="source", video_id="charts", attempt_count=MAX_ATTEMPTS + 1)
    _, log = act(played, lambda walk: walk.give_up(claim, make_item(claim_id=7)), claim)
    assert log == ["gave_up 0 s", "source charts 0 gave_up"]
    assert played.context.storage.opened.stored == []  # type: ignore[attr-defined]


def test_row_of_a_video_that_is_given_up_and_not_stored_is_the_callers_to_tell(played: Played) -> None:
    played.context.storage.opened = Opened(StorageError("The disk is full."))  # type: ignore[attr-defined]
    with pytest.raises(StorageError, match="The disk is full"):
        act(played, lambda walk: walk.give_up(make_claim(7), make_item()))


def test_claim_of_which_nothing_is_left_ends_in_one_transaction(played: Played) -> None:
    claim = make_claim(7)
    assert act(played, lambda walk: walk.finish_claim(claim), claim)[1] == ["finish claim 7 in one transaction"]
    found, _ = act(played, lambda walk: walk.measured_arms(claim, "one"))
    assert found == {"one of 7"}


# Rounds of a study.


class Study:
    """A study of one video a round, whose rounds are an hour apart."""

    def __init__(self, wait_s: float = 0.0) -> None:
        self._wait_s = wait_s

    def videos(self, round_number: int) -> tuple[str, ...]:
        return (f"aaaaaaaaaa{round_number}",)

    def wait_s(self, round_number: int) -> float:
        return self._wait_s


class Listed(Counting):
    """A frontier that notes which videos come from a list."""

    crawl: Any

    def add_listed(self, videos: Any, position: int, *, is_end: bool) -> int:
        self.log.append(f"listed {[video.video_id for video in videos]}")
        return super().add_listed(videos, position, is_end=is_end)

    def new_pass(self) -> int:
        self.crawl = type(self.crawl)(1, "c", False, self.crawl.pass_number + 1)
        return super().new_pass()


@pytest.mark.parametrize(
    ("wait_s", "between"),
    [
        (0.0, ["new pass"]),
        # The line is free for others meanwhile.
        (3600.0, ["line freed", "sleep 3600", "line taken", "new pass"]),
    ],
)
def test_round_of_a_study_measures_its_panel_in_the_order_of_the_round_at_its_planned_time(
    monkeypatch: pytest.MonkeyPatch, wait_s: float, between: list[str]
) -> None:
    ended: list[int] = []

    def end_round(database: object, study: object, round_number: int) -> bool:
        ended.append(round_number)
        return round_number == 2

    monkeypatch.setattr(walk_module, "end_round", end_round)
    # PYTOMO_ROUND_EVERY_S is the schedule of other crawls: a plan has one of its own.
    played = Played(monkeypatch, Listed(), WalkArguments(loop=True), PYTOMO_ROUND_EVERY_S=9, PYTOMO_ROUND_GAPS="fixed")
    played.context.study = Study(wait_s)  # type: ignore[assignment]
    assert len(play(played.claims())) == 2 and ended == [1, 2]
    lists = [place for place, step in enumerate(played.log) if step.startswith("listed [")]
    assert [played.log[place] for place in lists] == ["listed ['aaaaaaaaaa1']", "listed ['aaaaaaaaaa2']"]
    first = next(place for place, step in enumerate(played.log) if step.startswith("claim"))
    assert played.log[first + 1 : lists[1]] == between


def test_study_whose_round_cannot_be_ended_is_the_callers_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def end_round(*_: object) -> bool:
        raise StorageError("The database is away.")

    monkeypatch.setattr(walk_module, "end_round", end_round)
    played = Played(monkeypatch, Listed(), WalkArguments(loop=True))
    played.context.study = Study()  # type: ignore[assignment]
    with pytest.raises(StorageError):
        play(played.claims())
    assert "new pass" not in played.log


def test_walk_of_no_study_asks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "end_round", lambda *_: pytest.fail("there is no study"))
    frontier = Counting(make_claim(1))
    frontier.next_pass = [make_claim(2)]
    assert play(Played(monkeypatch, frontier, WalkArguments(loop=True)).claims(most=2)) == [1, 2]
