"""A user's own list of videos: spider argument `urls`, or a file read line by line."""

from __future__ import annotations

import codecs
import io
import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.pages import BadLine, VideoRef, read_video_list
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.storage.frontier.frontier import FoundVideo

logger = logging.getLogger(__name__)

BATCH_VIDEOS = 1000
# The longer mark first: UTF-32's begins as UTF-16's does.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SHOWING_BYTES = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """Some videos of a list; `position` counts the lines read so far, so that a resumed crawl goes on behind them."""

    videos: tuple[FoundVideo, ...]
    position: int
    is_end: bool


def check_list(arguments: WalkArguments) -> None:
    """Raises SettingError if the list's file cannot be read."""
    if arguments.input_file not in {None, "-"}:
        try:
            with Path(str(arguments.input_file)).open("rb"):
                pass
        except OSError as error:
            raise SettingError(
                f"Argument input_file: {arguments.input_file} cannot be read ({error.strerror})."
            ) from None


class VideoList:
    """The list as a stream: a batch is read when the frontier has room, so that a million lines cost no memory."""

    def __init__(self, arguments: WalkArguments, done: tuple[int, bool] = (0, False)) -> None:
        self.position, self.is_end = done
        # Line by line: a batch that ended within one would leave its rest out where the crawl goes on from there.
        self._lines = groupby(islice_behind(read_video_list(_lines(arguments)), self.position), key=itemgetter(0))

    def next_batch(self) -> Batch:
        """Read on. Bad lines are logged by their number and skipped."""
        videos = []
        for line_number, entries in self._lines:
            self.position = line_number
            for _, entry in entries:
                if isinstance(entry, BadLine):
                    logger.warning("Line %d of the list is skipped: %s", entry.line_number, entry.reason)
                else:
                    url = entry.url if entry.service == "other" else None
                    videos.append(FoundVideo(entry.service, entry.video_id, url))
            if len(videos) >= BATCH_VIDEOS:
                return Batch(tuple(videos), self.position, is_end=False)
        self.is_end = True
        return Batch(tuple(videos), self.position, is_end=True)


def islice_behind(
    numbered: Iterable[tuple[int, VideoRef | BadLine]], position: int
) -> Iterator[tuple[int, VideoRef | BadLine]]:
    """Yield the entries behind line `position`."""
    return (entry for entry in numbered if entry[0] > position)


def _lines(arguments: WalkArguments) -> Iterator[str]:
    yield from arguments.urls
    if arguments.input_file == "-":
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # a byte that is no text costs its line
        yield from sys.stdin
    elif arguments.input_file:
        with Path(arguments.input_file).open(encoding=_encoding_of(arguments.input_file), errors="replace") as lines:
            yield from lines


def _encoding_of(path: str) -> str:
    """Return the encoding that a file's first bytes show: shells of Windows save UTF-16, with its mark or without."""
    with Path(path).open("rb") as file:
        first = file.read(_SHOWING_BYTES)
    for mark, encoding in _MARKS.items():
        if first.startswith(mark):
            return encoding
    # Links are ASCII, of which UTF-16 makes every other byte a 0.
    if first[1:2] == b"\x00":
        return "utf-16-le"
    return "utf-16-be" if first[:1] == b"\x00" else "utf-8"
