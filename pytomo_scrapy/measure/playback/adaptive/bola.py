"""BOLA as dash.js 5 runs it: the rung follows from the buffer, with a placeholder for what delays and replaces media.

Source: Spiteri, Urgaonkar, Sitaraman: BOLA, near-optimal bitrate adaptation for online videos (INFOCOM 2016,
arXiv 1601.06748), and dash.js 5.2.1 `BolaRule`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_BUFFER_S = 10.0  # `MINIMUM_BUFFER_S`
LEAST_BUFFER_PER_RUNG_S = 2.0  # `MINIMUM_BUFFER_PER_BITRATE_LEVEL_S`
PLACEHOLDER_DECAY = 0.99  # `PLACEHOLDER_BUFFER_DECAY`


@dataclass(frozen=True, slots=True)
class BolaScale:
    """What BOLA derives from a ladder: the utility of each rung, and its two constants."""

    bitrates: Sequence[float]
    utilities: Sequence[float]
    gp: float
    vp: float

    def rung_for(self, level_s: float) -> int:
        """Return the rung that scores best at a buffer level; the higher of two that score alike."""
        best, best_score = 0, -math.inf
        for rung, bitrate in enumerate(self.bitrates):
            score = (self.vp * (self.utilities[rung] - 1 + self.gp) - level_s) / bitrate
            if score >= best_score:
                best, best_score = rung, score
        return best

    def most_level_s(self, rung: int) -> float:
        """Return the level above which BOLA waits instead of fetching this rung."""
        return self.vp * (self.utilities[rung] + self.gp)

    def least_level_s(self, rung: int) -> float:
        """Return the level from which on BOLA takes this rung before any lower one."""
        least_s = 0.0
        for lower in range(rung):
            mixed = self.bitrates[rung] * self.utilities[lower] - self.bitrates[lower] * self.utilities[rung]
            least_s = max(least_s, self.vp * (self.gp + mixed / (self.bitrates[rung] - self.bitrates[lower])))
        return least_s


def bola_scale(bitrates: Sequence[float], buffer_time_s: float) -> BolaScale | None:
    """Return the scale of a ladder. None where there is nothing to choose."""
    utilities = [math.log(bitrate / bitrates[0]) + 1 for bitrate in bitrates]
    if len(bitrates) < 2 or max(utilities) <= 1:
        return None
    top_s = max(buffer_time_s, LEAST_BUFFER_S + LEAST_BUFFER_PER_RUNG_S * len(bitrates))
    gp = (max(utilities) - 1) / (top_s / LEAST_BUFFER_S - 1)
    return BolaScale(bitrates, utilities, gp, LEAST_BUFFER_S / gp)


@dataclass(slots=True)
class Bola:
    """BOLA's memory for one kind. `throughput_rung` below is the highest rung that the safe estimate carries."""

    scale: BolaScale
    is_steady: bool = False
    rung: int = 0
    placeholder_s: float = 0.0
    last_segment_s: float | None = None
    most_advanced_s: float = -1.0
    was_replacement: bool = False
    finished_s: float | None = None
    called_s: float | None = None

    def emptied(self) -> None:
        """Forget the placeholder: the buffer ran dry."""
        if self.is_steady:
            self.placeholder_s = 0.0

    def loaded(self, start_s: float, duration_s: float, rung: int, span_s: tuple[float, float], level_s: float) -> None:
        """Take note of a segment that was requested and whole at `span_s`; `level_s` is that before it is appended."""
        self.was_replacement = start_s <= self.most_advanced_s
        self.most_advanced_s = max(self.most_advanced_s, start_s)
        self.last_segment_s, self.rung, self.finished_s = duration_s, rung, span_s[1]
        self.placeholder_s *= PLACEHOLDER_DECAY
        most_s = max(0.0, self.scale.most_level_s(rung) - (level_s + span_s[1] - span_s[0]))
        self.placeholder_s = min(self.placeholder_s, most_s)
        if self.was_replacement:
            # It was fetched, but the buffer did not grow.
            self.placeholder_s += duration_s

    def abandoned(self, level_s: float) -> None:
        """Be careful after a request was given up."""
        wanted_s = self.scale.least_level_s(self.rung) if self.rung > 0 else LEAST_BUFFER_S
        self.placeholder_s = min(self.placeholder_s, max(0.0, wanted_s - level_s))

    def choose(self, now_s: float, level_s: float, throughput_rung: int) -> tuple[int, float]:
        """Return the next rung and how long to wait with its request, seconds."""
        if not self.is_steady:
            self.placeholder_s = max(0.0, self.scale.least_level_s(throughput_rung) - level_s)
            self.rung = throughput_rung
            self.is_steady = self.last_segment_s is not None and level_s >= self.last_segment_s
            return self.rung, 0.0
        since_s = self.finished_s if self.finished_s is not None else self.called_s
        if since_s is not None:
            self.placeholder_s += max(0.0, now_s - since_s)
        self.called_s, self.finished_s = now_s, None
        rung = self.scale.rung_for(level_s + self.placeholder_s)
        if rung > self.rung and rung > throughput_rung:
            # BOLA-O: no higher than the line carries, but not down for that either.
            rung = max(throughput_rung, self.rung)
        wait_s = max(0.0, level_s + self.placeholder_s - self.scale.most_level_s(rung))
        if wait_s <= self.placeholder_s:
            self.placeholder_s -= wait_s
            wait_s = 0.0
        else:
            wait_s -= self.placeholder_s
            self.placeholder_s = 0.0
            if rung == len(self.scale.bitrates) - 1:
                wait_s = 0.0  # at the top the schedule says how far to fill
        self.rung = rung
        return rung, wait_s
