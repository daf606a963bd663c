"""The pages on which a list goes on, as far as the walk wants videos of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from pytomo_scrapy.pages import PageRequest, PageVideo, ParsedPage

logger = logging.getLogger(__name__)

# The longest list that the service is known to give (a search, about 600 videos) has 30 pages.
MOST_FURTHER_PAGES = 50
EMPTY = "empty_page"
# Real tokens have some thousand characters; a longer one is not worth sending back.
_LONGEST_TOKEN = 50_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A page that was asked for, and the wait that it orders (Retry-After)."""

    page: ParsedPage
    ordered_wait_s: float = 0.0


class FurtherPages:
    """Follows a list from page to page: one at a time, never more than are needed, and MOST_FURTHER_PAGES at most."""

    def __init__(
        self,
        ask: Callable[[PageRequest], Awaitable[Answer]],
        page_after: Callable[[PageRequest, str], PageRequest | None],
        refused: Callable[[str, float], None],
    ) -> None:
        self._ask = ask
        self._page_after = page_after
        self._refused = refused

    async def videos(self, first: ParsedPage, request: PageRequest, wanted: int, but: str = "") -> list[PageVideo]:
        """Return the videos of the first page, and of as many that follow as `wanted` of them need, without id `but`.

        The first one may be empty and go on: the service keeps whole lists for later. A page that fails ends the list:
        what was there before stays. So does one that adds nothing. Raises Stopped.
        """
        found = {video.video_id: video for video in first.videos if video.video_id != but}
        token = first.continuation if first.failure in {None, EMPTY} else None
        for _ in range(MOST_FURTHER_PAGES):
            if token is None or len(token) > _LONGEST_TOKEN or len(found) >= wanted:
                break
            following = self._page_after(request, token)
            if following is None:
                break
            answer = await self._ask(following)
            if answer.page.failure is not None:
                logger.debug("%s goes on, but page %d failed: %s", *_name(following), answer.page.failure)
                self._refused(answer.page.failure, answer.ordered_wait_s)
                break
            known_count = len(found)
            found |= {video.video_id: video for video in answer.page.videos if video.video_id not in {*found, but}}
            if len(found) == known_count:
                break
            request, token = following, answer.page.continuation
        return list(found.values())


def with_what_followed(first: ParsedPage, videos: Sequence[PageVideo]) -> ParsedPage:
    """Return the first page, which is none that failed where it was empty and its list went on."""
    is_made_up_for = first.failure == EMPTY and bool(videos)
    return replace(first, failure=None, failure_detail=None) if is_made_up_for else first


def _name(request: PageRequest) -> tuple[str, int]:
    return request.source, request.page
