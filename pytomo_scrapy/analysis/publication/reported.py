# ruff: noqa: E501
"""Which headline figures are to be published, what each leaves out, and the names of ETSI TR 101 578 beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytomo_scrapy.analysis.estimates import KINDS, Kind

# The newest version that we found. Of its text we had the scope and the beginnings of clauses 4.1 to 4.2.3, and not the
# clauses that define parameters by equations: these are not quoted.
ETSI = "ETSI TR 101 578 V1.3.1 (2018-10)"


@dataclass(frozen=True, slots=True)
class Standard:
    """What ETSI's report says near a figure: its clause and words, and what is the same in ours and what is not."""

    words: str
    why: str


@dataclass(frozen=True, slots=True)
class Reported:
    """A figure to publish. `model` is the figure of the players whose error it has, see model_errors.py."""

    kind: Kind
    left_out: str
    model: str | None = None
    standard: Standard | None = None


_NOT_VALID = "What the service, the video or this tool failed"
_FREEZE = Standard(
    "4.2.2, video freezes: the playout stops for some time, mainly because the buffer ran empty",
    "the same event, but ours are the empty buffers alone, of 0.1 s and more, of a simulated player; what a device is too slow to show is none of ours",
)
_RESOLUTION = Standard(
    "4.2.0, low quality and resolution of the received video",
    "ours is which quality would have played without a stall, not which one an adaptive player showed",
)

_BY_KIND: Mapping[str, tuple[str, str | None, Standard | None]] = {
    "never_started": (
        f"{_NOT_VALID}. A session that the network ended before a player could run counts as never started.",
        "startup s",
        Standard(
            "4.2.0, failures to start",
            "ours is no picture within the window, whose length the method says; the service's own refusals are counted apart",
        ),
    ),
    "startup": (
        f"{_NOT_VALID}. Sessions that never started stay in: failed outright, they never start; where the window was over, they are censored.",
        "startup s",
        Standard(
            "4.2.1, video start and time to first picture",
            "it ends at the same event, the first picture shown, but begins with the user's request; ours begins with the first connection for media (`join_time_s` begins with the request)",
        ),
    ),
    "with_stalls": ("Sessions that never started: they are in the figure above.", "stalls", _FREEZE),
    "stall_ratio": ("The wait for the first picture, and sessions that never started.", "stalled s", _FREEZE),
    "delivery": (
        f"{_NOT_VALID}, and windows to which no byte came. Time in which a paced window asked for nothing is not counted.",
        None,
        None,
    ),
    "rtt": ("Pings without a reply, and all ways to ping but the most frequent one.", None, None),
    "loaded_rtt": ("Windows in which no small probe to the media host was sent or answered.", None, None),
    **{
        kind.name: (
            "Sessions that cannot tell: the window asked for too little, or the video has no such quality.",
            None,
            _RESOLUTION,
        )
        for kind in KINDS
        if kind.name.startswith("plays_")
    },
}

# In the order of the overview. The opinion score is not among them: it holds in narrow conditions (docs/metrics.md).
REPORTED: tuple[Reported, ...] = tuple(Reported(kind, *_BY_KIND[kind.name]) for kind in KINDS if kind.name in _BY_KIND)
