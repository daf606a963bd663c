"""The chunks of a scan passed to all that sum them up, each in a thread of its own: NumPy works on every core then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

Rows = TypeVar("Rows")
Item = TypeVar("Item")
Made = TypeVar("Made")
THREADS = 2  # what is summed up lies in memory: more of them wait for it
_CHUNKS_AHEAD = 2  # each holds some 30 MB


def pass_on(chunks: Iterable[Rows], takers: Sequence[Callable[[Rows], None]]) -> None:
    """Give every chunk to each of the takers. A taker gets them one after the other, in their order.

    While chunks are summed up the next one is read. Raises what a taker raises.
    """
    remaining = iter(chunks)
    # The first chunk says which columns all others are asked for, and which number each text has.
    for chunk in remaining:
        for take in takers:
            take(chunk)
        break
    with ExitStack() as threads:
        pools = [threads.enter_context(ThreadPoolExecutor(1, "sums")) for _ in takers]
        under_way: deque[list[Future[None]]] = deque()
        for chunk in remaining:
            under_way.append([pool.submit(take, chunk) for pool, take in zip(pools, takers, strict=True)])
            if len(under_way) > _CHUNKS_AHEAD:
                _wait(under_way.popleft())
        for futures in under_way:
            _wait(futures)


def _wait(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        future.result()


def side_by_side(work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """Give what `work` makes of each item, in their order, two at a time. Raises what it raises.

    An item is asked for when its turn is near, while the ones before it are worked on.
    """
    under_way: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(THREADS, "sums") as pool:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) > THREADS:
                yield under_way.popleft().result()
        for future in under_way:
            yield future.result()
