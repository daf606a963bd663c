"""The overview in words: what changed, since when and how sure, or that the data do not tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pytomo_scrapy.analysis.clustered import LEAST_DAYS, LEAST_VIDEOS
from pytomo_scrapy.analysis.estimates import Estimate
from pytomo_scrapy.analysis.overview import Overview
from pytomo_scrapy.items.in_words import counted, moved

_PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
_WEEK_S = 7 * 86400
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of the verdict. `tone` is worse, better, same or unknown."""

    text: str
    tone: str


def verdict(found: Overview, subject: str, since: Callable[[Estimate], int | None]) -> list[Sentence]:
    """Say what the figures allow to be said. `since` gives when a figure changed, for those that did."""
    # From the weakest case to the strongest: no data, too few, nothing to compare with, no change, changes.
    if not found.valid_count:
        return [Sentence(f"Not enough data: no valid measurement of {subject} in this period.", "unknown")]
    if not found.has_enough:
        text = (
            f"Not enough data to tell a change: {counted(found.video_count, 'video')} on {_days(found.day_count)}; "
            f"it takes {LEAST_VIDEOS} videos on {LEAST_DAYS} days."
        )
        # With too few days an interval cannot say how days differ, only how videos of these days do.
        if any(one.is_of_these_days for one in found.estimates):
            text += f" The intervals below are over videos alone: they hold for {these_days(found)} only."
        return [Sentence(text, "unknown")]
    if found.uncompared is not None:
        return [Sentence(f"Not compared with the period before: {found.uncompared}.", "unknown")]
    if all(one.change_low is None for one in found.estimates):
        return [Sentence("Not enough data in the period before to tell a change.", "unknown")]
    # What got worse is read first.
    changed = sorted((one for one in found.estimates if one.is_changed), key=lambda one: not one.is_worse)
    if not changed:
        text = f"No change against the period before is shown, {_videos(found)}: every 95 % interval includes none."
        return [Sentence(text, "same")]
    return [
        Sentence(_change(one, found, subject, since(one)), "worse" if one.is_worse else "better") for one in changed
    ]


def _change(one: Estimate, found: Overview, subject: str, since_s: int | None) -> str:
    assert one.value is not None and one.before is not None and one.change is not None
    assert one.change_low is not None and one.change_high is not None
    kind = one.kind
    when = f" since {part_of_day(since_s, found.end_s)}" if since_s is not None else ""
    before = kind.written(one.before)
    now = f"{kind.written(one.value)} {kind.unit}".rstrip()
    if kind.is_relative:
        how = f"{one.change:+.0%}, 95 % interval {one.change_low:+.0%} to {one.change_high:+.0%}"
    else:
        word = " points" if kind.unit == "%" else ""
        low, high = (moved(end * kind.factor, kind.decimals, kind.unit) for end in (one.change_low, one.change_high))
        how = f"95 % interval of the change {low} to {high}{word}"
    return f"{kind.title} of {subject} {_verb(one)}{when}: {before} to {now} ({how}), {_videos(found)}."


def _verb(one: Estimate) -> str:
    assert one.change is not None
    # People say doubled of what is about twice; the figures with their interval stand behind it.
    if one.kind.is_relative and one.change >= 0.9:
        return "doubled" if one.change < 1.5 else "more than doubled"
    if one.kind.is_relative and one.change <= -0.45:
        return "halved" if one.change > -0.6 else "fell to less than half"
    return "rose" if one.change > 0 else "fell"


def part_of_day(seconds: int, end_s: int) -> str:
    """Say when, as people do: Tuesday evening; with its date where that is more than a week before the end. UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    # A change is known to some hours at best: an hour and minute would claim more than is known.
    words = f"{at:%A} {_PARTS_OF_DAY[at.hour // 6]}"
    return words if end_s - seconds < _WEEK_S else f"{words}, {at.day} {at:%B}"


def _videos(found: Overview) -> str:
    return f"{counted(found.video_count, 'video')} on {_days(found.day_count)}"


def these_days(found: Overview) -> str:
    """Say what an interval over videos alone is of: this hour, this day, these days."""
    if found.end_s - found.start_s <= _HOUR_S:
        return "this hour"
    return "this day" if found.day_count == 1 else "these days"


def _days(count: int) -> str:
    return counted(count, "day")
