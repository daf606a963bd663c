"""Why a session was bad: the verdict over each slow startup, stall and failed start, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytomo_scrapy.items.stored import about, stored


class Cause(StrEnum):
    """What a bad time is put down to (docs/autopsy.md)."""

    PROBE = "probe"
    HOME = "home"
    OWN_TRAFFIC = "own_traffic"
    ACCESS = "access"
    PATH = "path"
    OUTAGE = "outage"
    SERVICE = "service"
    CONTENT = "content"
    UNKNOWN = "unknown"


class Symptom(StrEnum):
    """What was bad."""

    STARTUP = "startup"
    STALL = "stall"
    FAILED_START = "failed_start"


@dataclass(frozen=True, slots=True)
class Autopsy:
    """The cause of one bad time of a session. Follows from the stored rows, and can be found anew from them."""

    number: int = field(metadata=about("order within the measurement: 0 is what cost the viewer most"))
    place: int = stored(0, "the window's place")
    symptom: str = stored("stall", "startup (slow), stall or failed_start")
    start_s: float = stored(0.0, "begin of the bad time", unit="s from t0")
    duration_s: float = stored(0.0, "length of the bad time")
    cause: str = stored(
        "unknown", "probe, home, own_traffic, access, path, outage, service, content or unknown (docs/autopsy.md)"
    )
    second_cause: str | None = stored(None, "a further cause whose rule holds too", null="no other rule holds")
    share_ratio: float | None = stored(
        None, "share of the bad time in which the cause's evidence held", null="the cause is unknown"
    )
    startup_part: str | None = stored(
        None,
        "part of a slow or failed start that took longest: dns, connect, tls, server_wait, slow_start or transfer",
        null="a stall, or not known",
    )
    startup_parts: Mapping[str, float] | None = stored(
        None, "seconds of each of these parts, and of the resolution", null="as `startup_part`", unit="JSON, s"
    )
    sentence: str | None = stored(None, "the verdict in words, with its numbers")
    evidence: Mapping[str, float] | None = stored(
        None, "the numbers that the rule looked at, by name with their unit", unit="JSON"
    )
    rules_version: int = stored(0, "version of the rules that judged", unit="")
