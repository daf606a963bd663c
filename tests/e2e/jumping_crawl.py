"""`scrapy` under a clock that jumps, in its measuring and resolving processes too: the same words as for `scrapy`."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Self

from pytomo_scrapy.measure.worker import worker

_STEP_S = 1.5
# A day ahead, an hour back, right again, and so on, in an order that repeats late: videos that each take as long as a
# short round would all see the same time.
_OFF_S = (0.0, 86400.0, -3600.0)


def jump(began_s: float) -> None:
    """Have the clock of this process jump from now on; `began_s` is when, by time.monotonic, all of them began."""
    real_time, real_datetime = time.time, datetime.datetime

    def jumping() -> float:
        return real_time() + _OFF_S[int((time.monotonic() - began_s) / _STEP_S) * 7 // 3 % 3]

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(jumping(), tz)

    # Everything is imported already. What is stored or sent names the type of its fields, and asks for no time.
    instead = {id(real_time): jumping, id(real_datetime): Jumping}
    for name, module in list(sys.modules.items()):
        if not name.startswith("pytomo_scrapy.items"):
            _replace(module, instead)
        if name.startswith("pytomo_scrapy."):
            for kind in [value for value in vars(module).values() if isinstance(value, type)]:
                _replace(kind, instead)


def _replace(owner: ModuleType | type, instead: Mapping[int, object]) -> None:
    """Put what stands for them in the place of the clocks that a module or a class has, and functions by default."""
    for name, value in list(vars(owner).items()):
        if id(value) in instead:
            setattr(owner, name, instead[id(value)])
        elif isinstance(value, FunctionType):
            value.__defaults__ = tuple(instead.get(id(one), one) for one in value.__defaults__ or ()) or None
            for named, one in (value.__kwdefaults__ or {}).items():
                value.__kwdefaults__[named] = instead.get(id(one), one)


def run_jumping(began_s: float, function: Callable[..., object], *args: object) -> None:
    """Be a process of the crawl."""
    jump(began_s)
    function(*args)


def main() -> None:
    """Run the crawl, and have each process that it starts begin with `run_jumping`."""
    began_s = time.monotonic()
    context = worker.multiprocessing.get_context("spawn")
    start = context.Process
    worker.multiprocessing = SimpleNamespace(  # type: ignore[assignment] - as tests.running.forked has it
        get_context=lambda _: SimpleNamespace(
            Pipe=context.Pipe,
            Process=lambda target, args, **named: start(target=run_jumping, args=(began_s, target, *args), **named),
        )
    )
    jump(began_s)
    from scrapy.cmdline import execute

    execute()


if __name__ == "__main__":
    # What is pickled for the other processes must be found there by its module's name.
    from tests.e2e import jumping_crawl

    jumping_crawl.main()
