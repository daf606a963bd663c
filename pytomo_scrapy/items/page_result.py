"""The result of a video's watch page, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytomo_scrapy.items.stored import failure_detail, failure_of, stored


@dataclass(frozen=True, slots=True)
class PageResult:
    """A video's watch page. The video of a page that failed is measured all the same."""

    related_count: int | None = stored(
        None, "related videos seen on the video's page", null="its page was not read", unit="videos"
    )
    view_count: int | None = None
    uploaded_at: datetime | None = None  # the start of the day that it names
    failure: str | None = failure_of("its watch page; the video is still measured", column="page_failure")
    failure_detail: str | None = failure_detail("its watch page", column="page_failure_detail")
