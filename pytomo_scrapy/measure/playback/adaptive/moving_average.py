"""The moving average that players estimate a line's rate by: two half-lives, the lower of the two counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class HalvingAverage:
    """A mean in which a sample counts half after `half_life` of weight (Shaka `Ewma`, dash.js `ThroughputModel`)."""

    half_life: float
    estimate: float = 0.0
    weight: float = 0.0

    def add(self, weight: float, value: float) -> None:
        """Take a sample of that weight."""
        kept = 0.5 ** (weight / self.half_life)
        self.estimate = value * (1 - kept) + kept * self.estimate
        self.weight += weight

    def value(self) -> float | None:
        """Return the mean. None before the first sample."""
        # It starts at 0: what is missing for that is divided out.
        return self.estimate / (1 - 0.5 ** (self.weight / self.half_life)) if self.weight > 0 else None


@dataclass(slots=True)
class LowerAverage:
    """A fast and a slow average: down at once, up slowly."""

    fast: HalvingAverage
    slow: HalvingAverage

    def add(self, weight: float, value: float) -> None:
        """Take a sample of that weight."""
        self.fast.add(weight, value)
        self.slow.add(weight, value)

    def value(self) -> float | None:
        """Return the lower of the two. None before the first sample."""
        fast, slow = self.fast.value(), self.slow.value()
        return None if fast is None or slow is None else min(fast, slow)
