"""The rules that Shaka Player 5 chooses its variant by: the highest that the estimate carries, at most every 8 s.

A variant is a rung of video with one of audio. Source: Shaka Player 5.2.12 `SimpleAbrManager`,
`EwmaBandwidthEstimator`, `HttpFetchPlugin`, read from its package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.adaptive.moving_average import HalvingAverage, LowerAverage


@dataclass(frozen=True, slots=True)
class Variant:
    """A rung of each kind, and the rate of all together."""

    rungs: Mapping[str, int]
    bitrate_bps: float


def variants_of(ladder: Ladder) -> tuple[Variant, ...]:
    """Return every combination of rungs, the lowest rate first."""
    found = [Variant({"video": rung}, track.bitrate_bps) for rung, track in enumerate(ladder.video)]
    if ladder.audio:
        found = [
            Variant({**variant.rungs, "audio": rung}, variant.bitrate_bps + track.bitrate_bps)
            for variant in found
            for rung, track in enumerate(ladder.audio)
        ]
    return tuple(sorted(found, key=lambda variant: variant.bitrate_bps))


def choose_variant(variants: Sequence[Variant], rate_bps: float, parameters: Mapping[str, float]) -> Variant:
    """Return the last variant of which the rate lies between what it needs and what would do for the next one."""
    chosen = variants[0]
    for index, variant in enumerate(variants):
        higher = [other.bitrate_bps for other in variants[index + 1 :] if other.bitrate_bps != variant.bitrate_bps]
        least_bps = variant.bitrate_bps / parameters["downgrade_ratio"]
        most_bps = higher[0] / parameters["upgrade_ratio"] if higher else float("inf")
        if least_bps <= rate_bps <= most_bps:
            chosen = variant
    return chosen


class ShakaRules:
    """The estimate, and when a variant may be chosen anew. Pure: the same calls give the same answers."""

    def __init__(self, ladder: Ladder, parameters: Mapping[str, float]) -> None:
        self.variants = variants_of(ladder)
        self._parameters = parameters
        self._average = LowerAverage(
            HalvingAverage(parameters["fast_half_life_s"]), HalvingAverage(parameters["slow_half_life_s"])
        )
        self._sampled_bytes = 0
        self._is_started = False
        self._chosen_s = 0.0

    def rate_bps(self) -> float:
        """Return the estimate: the browser's own until enough has been seen."""
        value = self._average.value()
        if value is None or self._sampled_bytes < self._parameters["least_total_bytes"]:
            return self._parameters["default_bps"]
        return value

    def add_sample(self, size_bytes: int, duration_s: float) -> None:
        """Take note of bytes and the time they took; few of them say nothing."""
        if size_bytes >= self._parameters["least_sample_bytes"] and duration_s >= self._parameters["cache_s"]:
            self._average.add(duration_s, 8 * size_bytes / duration_s)
            self._sampled_bytes += size_bytes

    def first(self, now_s: float) -> Variant:
        """Return the variant to begin with."""
        self._chosen_s = now_s
        return choose_variant(self.variants, self.rate_bps(), self._parameters)

    def suggest(self, now_s: float) -> Variant | None:
        """Return the variant to play from now on. None while it is too early to choose again."""
        if not self._is_started:
            if self._sampled_bytes < self._parameters["least_total_bytes"]:
                return None
            self._is_started = True
            self._chosen_s -= self._parameters["switch_interval_s"]
        if now_s - self._chosen_s < self._parameters["switch_interval_s"]:
            return None
        return self.first(now_s)
