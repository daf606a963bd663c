"""What the watch page of a video told, or why it told nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PageResult:
    """A video's watch page. The video of a page that failed is measured all the same."""

    related_count: int | None = None  # related videos that it lists
    view_count: int | None = None
    uploaded_at: datetime | None = None  # the start of the day that it names
    failure: str | None = None
    failure_detail: str | None = None
