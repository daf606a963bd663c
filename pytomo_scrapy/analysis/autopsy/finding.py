"""What a rule gives, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pytomo_scrapy.analysis.autopsy.control_facts import NOTHING, ControlFacts
from pytomo_scrapy.analysis.autopsy.evidence import Evidence
from pytomo_scrapy.analysis.autopsy.limits import Limits
from pytomo_scrapy.analysis.autopsy.span_facts import SEGMENT_BYTES, Level, SpanFacts
from pytomo_scrapy.items import Cause
from pytomo_scrapy.items.in_words import milliseconds

_MATHIS = math.sqrt(3 / 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause whose rule holds: in which share of the bad time, by which numbers, in one sentence."""

    cause: Cause
    share_ratio: float
    numbers: Mapping[str, float | None]
    sentence: str

    @property
    def evidence(self) -> dict[str, float]:
        """Return the numbers that are known, rounded to what they can tell."""
        return {name: float(f"{value:.4g}") for name, value in self.numbers.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Question:
    """What every rule is asked about: the session, the numbers of the span, the limits."""

    evidence: Evidence
    facts: SpanFacts
    limits: Limits
    controls: ControlFacts = NOTHING

    def is_raised(self, level: Level) -> bool:
        """Tell whether round trips to a place met a queue for most of the span."""
        return level.raised_ratio is not None and level.raised_ratio >= self.limits.held_ratio

    def is_flat(self, level: Level) -> bool:
        """Tell whether round trips to a place were measured and met no queue."""
        return level.raised_ratio is not None and level.raised_ratio <= self.limits.absent_ratio

    def is_queue_before(self, near: Level, far: Level) -> bool:
        """Tell whether a queue was met on the way to a far place, and most of it on the way to a nearer one already."""
        if near.loaded_s is None or near.base_s is None or far.loaded_s is None or far.base_s is None:
            return False
        return self.is_raised(far) and near.loaded_s - near.base_s >= (far.loaded_s - far.base_s) / 2

    def is_lossy(self, level: Level) -> bool:
        """Tell whether probes to a place were lost, more than by chance."""
        ratio = level.loss_ratio or 0.0
        return ratio >= self.limits.loss_ratio and ratio * level.expected_count >= self.limits.least_lost_count

    def is_lossy_all_along(self, level: Level) -> bool:
        """Tell whether probes to a place were lost in the whole window, more than by chance."""
        ratio = level.window_loss_ratio or 0.0
        return ratio >= self.limits.loss_ratio and ratio * level.window_count >= self.limits.least_lost_count

    def loss_of(self, level: Level) -> float | None:
        """Return the share of what is lost on the way to a place. None: nothing, or a probe by chance.

        A short span has few probes: of seven, three losses in ten are not seen once in twelve times. Where media were
        lost in the span, by the kernel's counts, the probes of the whole window say where.
        """
        if self.is_lossy(level):
            return level.loss_ratio
        return level.window_loss_ratio if self.has_gaps and self.is_lossy_all_along(level) else None

    def is_slowed_by_loss(self, level: Level) -> bool:
        """Tell whether what is lost on the way to a place holds TCP below what playback needs.

        **Source**: Mathis et al., CCR 27(3), 1997: the rate is below 1.22 segments a round trip over the square root of
        the loss. A loss of probes there and back bounds that of the media from above.
        """
        needed_bps, rtt_s = self.facts.needed_bps, self.facts.host.base_s or self.facts.access.base_s
        loss_ratio = self.loss_of(level)
        if loss_ratio is None or needed_bps is None or not rtt_s:
            return loss_ratio is not None
        bound_bps = _MATHIS * 8 * SEGMENT_BYTES / (rtt_s * math.sqrt(loss_ratio))
        return bound_bps < self.limits.starved_ratio * needed_bps

    def is_lossless(self, level: Level) -> bool:
        """Tell whether probes to a place were answered, but for one: those of the span, and of the window."""
        return level.is_known and not self.is_lossy(level) and not self.is_lossy_all_along(level)

    @property
    def is_starved(self) -> bool:
        """Tell whether the bytes of the span came slower than playback needs. True where the need is not known."""
        facts = self.facts
        if facts.rate_bps is None or facts.needed_bps is None:
            return True
        return facts.rate_bps < self.limits.starved_ratio * facts.needed_bps

    @property
    def is_other_well(self) -> bool:
        """Tell whether a control was well just then, or another host within the last hour."""
        host = self.evidence.window.host if self.evidence.window else None
        is_well_now = self.controls.is_well(self.facts.needed_bps, self.limits)
        return is_well_now or self.evidence.history.has_other_host_well(host, self.limits)

    @property
    def spare_bps(self) -> float | None:
        """Return the rate that the line is known to reach, by a control or by its past. None: not known.

        What the line did before says nothing where every control was slow just now.
        """
        if self.controls.is_slow(self.facts.needed_bps):
            return None
        return max((rate for rate in (self.controls.best_bps, self.facts.line_bps) if rate is not None), default=None)

    @property
    def has_gaps(self) -> bool:
        """Tell whether segments of the span overtook others."""
        return (self.facts.out_of_order_ratio or 0.0) >= self.limits.out_of_order_ratio

    @property
    def has_losses(self) -> bool:
        """Tell whether losses held the media up: segments overtook others, and came slowly once they were sent.

        A burst that overflows a queue at the end of slow start loses segments too, and is fast; where a server took
        most of the time to begin, what came then does not matter.
        """
        facts = self.facts
        if facts.waiting_ratio >= self.limits.held_ratio:
            return False
        is_slow = facts.active_bps is None or facts.needed_bps is None or facts.active_bps < facts.needed_bps
        return is_slow and self.has_gaps


def mbit(bps: float | None) -> str:
    """Write a rate."""
    return "an unknown rate" if bps is None else f"{bps / 1e6:.2f} Mbit/s"


def ms(seconds: float | None) -> str:
    """Write a round trip."""
    return "unknown" if seconds is None else milliseconds(seconds)


def percent(ratio: float | None) -> str:
    """Write a share."""
    return "an unknown share" if ratio is None else f"{100 * ratio:.0f} %"
