"""The waits before a crawl's start and before each further round."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random, SystemRandom

from pytomo_scrapy.config import EnduranceConfig


class Rounds:
    """Waits before rounds. Gaps count from start to start; a round that takes longer is followed by the next at once.

    **Source**: RFC 2330, 11.1: exponential gaps see the line at unbiased moments, fixed ones may run in step with it.
    """

    def __init__(
        self, config: EnduranceConfig, *, random: Random | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        # Never the crawl's seed: machines that share it would all start at the same moment.
        self._random = random or SystemRandom()
        self._clock = clock
        self._started_s = clock()

    def before_first_s(self) -> float:
        """Draw how long to wait before the crawl starts."""
        return self._random.uniform(0, self._config.start_jitter_s)

    def begin(self) -> None:
        """Note the start of a round."""
        self._started_s = self._clock()

    def before_next_s(self) -> float:
        """Draw how long to wait, from now on, before the next round starts."""
        mean_s = self._config.round_every_s
        if mean_s == 0:
            return 0.0
        gap_s = self._random.expovariate(1 / mean_s) if self._config.round_gaps == "exponential" else mean_s
        return max(0.0, self._started_s + gap_s - self._clock())
