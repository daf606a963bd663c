"""What is known of a class of failure by its name, which may be none, or one of another version."""

from __future__ import annotations

import errno

from pytomo_scrapy.failures.classes import FAILURES
from pytomo_scrapy.failures.failure_class import Attribution

# The refusals that a crawl answers with a pause, since the service says: go away. Of media hosts a 429 is about one
# file, so only pages and resolutions count.
REFUSALS = frozenset(("bot_check", "rate_limited", "http_429"))

# What a system call says where this machine itself has run out of something.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def attribution_of(failure: str | None) -> Attribution | None:
    """Return whose fault `failure` is. None when there is no failure, unknown for a class of another version."""
    if failure is None:
        return None
    return FAILURES[failure].attribution if failure in FAILURES else Attribution.UNKNOWN


def meaning_of(failure: str | None) -> str:
    """Return what `failure` means. Empty for none, and for the class of another version."""
    return FAILURES[failure].meaning if failure in FAILURES else ""


def advice_on(failure: str | None) -> str:
    """Return what to do about `failure`, in plain text. Empty for none, and for the class of another version."""
    return FAILURES[failure].plain_advice if failure in FAILURES else ""


def was_refused(failure: str | None) -> bool | None:
    """Tell whether the service refused a session that ended so.

    None where the service's answer is not known: our own side ended it, or something that was not foreseen.
    """
    row = FAILURES.get(failure) if failure is not None else None
    if row is None:
        return False if failure is None else None
    return None if row.attribution in (Attribution.TOOL, Attribution.UNKNOWN) else row.is_refusal


def is_for_good(failure: str | None) -> bool:
    """Tell whether a session that the network ended so, before its start, would never have started.

    False for those that still waited when their window was over. A class of another version is for good.
    """
    return failure is not None and not (failure in FAILURES and FAILURES[failure].is_window_over)


def is_skip(failure: str | None) -> bool:
    """Tell whether `failure` only repeats that an earlier stage failed."""
    return failure is not None and failure.startswith("skipped_after_")
