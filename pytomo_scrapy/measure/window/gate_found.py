"""Where a host took a stream back that it had begun to serve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gate:
    """When a host refused to go on with a stream that it had begun to serve, and what had come of it by then."""

    at_s: float
    stream_bytes: int
