"""One word of the vocabulary of failures, and whose fault it can be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Attribution(StrEnum):
    """Whose fault a failure is; only `NETWORK` counts against the line."""

    NETWORK = "network"
    SERVICE = "service"
    CONTENT = "content"
    TOOL = "tool"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FailureClass:
    """One word of the vocabulary: its name, whose fault it is, what it means, and what to do about it.

    `advice` puts what is typed into backticks. `is_permanent`: trying the same video again will not help.
    `is_refusal`: the service kept from this guest the media of a video that it may give to others. Which videos it
    refuses may have to do with the videos, so that a refusal bends every figure: analysis/refusals.py accounts for it.
    `is_window_over`: the session still waited when its window ended, and might have started later; after any other
    failure of the network it would never have (docs/metrics.md, "Censoring").
    """

    name: str
    attribution: Attribution
    meaning: str
    advice: str
    is_permanent: bool = False
    is_refusal: bool = False
    is_window_over: bool = False

    @property
    def plain_advice(self) -> str:
        """What to do, for where nothing stands for code."""
        return self.advice.replace("`", "")
