"""Our own estimate of the line's rate, as the service's players report it: a rank among the last answers' rates."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What Android declares (recorded answers of June 2026). Others declare nothing, or zeros.
WINDOW, PERCENTILE, SCALAR = 12, 0.25, 0.91
MAX_WINDOW = 1000
# A shorter answer says more of the round trip than of the line.
LEAST_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class EstimatorConfig:
    """How an estimate is drawn from the last `window` rates: the nearest rank of `percentile`, times `scalar`."""

    window: int = WINDOW
    percentile: float = PERCENTILE
    scalar: float = SCALAR


def declared_estimator(player_config: Mapping[str, Any] | None) -> EstimatorConfig:
    """Return the estimator that the service declared. The usual one where it declared none that could estimate."""
    found: object = player_config
    for name in ("mediaCommonConfig", "bandwidthEstimationConfig", "nearestRankConfig"):
        found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return EstimatorConfig()
    window, percentile, scalar = (found.get(name) for name in ("slidingWindowSize", "percentile", "scalar"))
    numbers = [number for number in (window, percentile, scalar) if isinstance(number, int | float)]
    if len(numbers) < 3 or not (0 < numbers[0] <= MAX_WINDOW and 0 < numbers[1] <= 1 and 0 < numbers[2] <= 2):
        return EstimatorConfig()
    return EstimatorConfig(int(numbers[0]), numbers[1], numbers[2])


class RateEstimator:
    """Estimates from whole answers: bytes over the time from their first byte to their last."""

    def __init__(self, config: EstimatorConfig) -> None:
        self._config = config
        self._rates: deque[float] = deque(maxlen=max(1, config.window))

    def add(self, received_bytes: int, elapsed_s: float) -> None:
        """Take note of an answer."""
        if received_bytes >= LEAST_BYTES and elapsed_s > 0:
            self._rates.append(received_bytes / elapsed_s)

    @property
    def bytes_per_s(self) -> int | None:
        """The estimate. None before the first answer."""
        if not self._rates:
            return None
        ordered = sorted(self._rates)
        rank = max(1, math.ceil(self._config.percentile * len(ordered)))
        return int(ordered[rank - 1] * self._config.scalar)
