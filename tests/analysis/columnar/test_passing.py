"""Chunks reach every taker in their order, and what fails in a thread fails where the answer is made."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pytomo_scrapy.analysis.columnar.passing import THREADS, pass_on, side_by_side


def test_every_taker_gets_every_chunk_in_order() -> None:
    seen: dict[str, list[int]] = {"one": [], "other": []}
    pass_on(range(40), [seen["one"].append, seen["other"].append])
    assert seen == {"one": [*range(40)], "other": [*range(40)]}


def test_takers_work_at_the_same_time() -> None:
    # Each waits for the other one, for chunks behind the first, which is given before any thread begins.
    both = threading.Barrier(2, timeout=20)

    def take(chunk: int) -> None:
        if chunk:
            both.wait()

    pass_on(range(3), [take, take])
    assert not both.broken


def test_error_of_a_taker_is_raised_and_no_chunk_is_read_for_ever() -> None:
    read: list[int] = []

    def chunks() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    def fail(chunk: int) -> None:
        if chunk == 3:
            raise ValueError("the fourth chunk")

    with pytest.raises(ValueError, match="the fourth chunk"):
        pass_on(chunks(), [lambda _: None, fail])
    assert len(read) < 10


def test_nothing_is_passed_on_of_no_chunk() -> None:
    pass_on([], [lambda _: pytest.fail("there is no chunk")])


def test_what_is_made_side_by_side_comes_in_the_order_of_the_items() -> None:
    assert [*side_by_side(lambda number: number**2, range(50))] == [number**2 for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        [*side_by_side(lambda number: 1 / number, [2, 1, 0])]


def test_items_are_asked_for_when_their_turn_is_near() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    made = side_by_side(lambda number: number, items())
    assert next(made) == 0
    assert len(asked) == THREADS + 1
    assert [*made] == [*range(1, 100)]
