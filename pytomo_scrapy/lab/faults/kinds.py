"""The kinds of faults, by where they act: each has a name, words, and the values of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from dns.rcode import Rcode

from pytomo_scrapy.lab.http.service_messages import Json, Request, Response
from pytomo_scrapy.lab.http.transfers import Answer, Transfer


@dataclass(frozen=True, slots=True)
class Fault:
    """What every fault has. `failure` is the class that a crawl must give to a video with it."""

    name: str
    help: str
    failure: str

    # True where it acts before a request arrives, or depends on the client: its videos then live on a host of its own.
    has_own_host: ClassVar[bool] = False
    # True where only a video can have it that is delivered in segments.
    is_in_segments: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class PlayerApiFault(Fault):
    """The player API's answer for one video.

    `answer` makes status and body out of the body that a healthy video would get, which it may change, and the id.
    """

    answer: Callable[[Json, str], tuple[int, Json]]
    # A crawler that meets it is right to stop asking for an hour, so only the world of faults has it.
    stops_a_crawl: bool = False


@dataclass(frozen=True, slots=True)
class UrlFault(Fault):
    """What is wrong with the media URLs of one video, which the player API signs in good order: all are refused."""

    expires_in_s: int | None = None  # from the player API's answer on; negative where they have expired; None: as usual
    client_address: str | None = None  # whom they are made for; None: the client that asked


@dataclass(frozen=True, slots=True)
class PageFault(Fault):
    """The watch page of one video. The video itself can be measured, so `failure` is that of the page alone."""

    answer: Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class PlaylistFault(Fault):
    """The HLS playlists of one video: `instead` is sent whatever was asked for, `change` edits a media playlist."""

    instead: Response | None = None
    change: Callable[[str], str] | None = None

    is_in_segments: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class DnsFault(Fault):
    """What every name server answers for a media host. An `rcode` of None: nothing."""

    rcode: Rcode | None

    has_own_host: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class HostFault(Fault):
    """A media host that cannot be connected to: nothing listens there."""

    has_own_host: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class CertificateFault(Fault):
    """What is wrong with a media host's certificate."""

    subject: str | None = None  # None: the host's own name
    valid_for_days: int = 60  # from now on; negative where it has expired
    is_issuer_known: bool = True

    has_own_host: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class MediaFault(Fault):
    """What a media host answers to a permitted request; at most one of these.

    `instead` is sent whatever was asked for; `content` makes the file that the host believes to be the media, out of
    the true one and a seed; `serve` makes the answer to a request for bytes that exist.
    """

    instead: Answer | None = None
    content: Callable[[memoryview, str], memoryview] | None = None
    serve: Callable[[Transfer], Answer] | None = None


@dataclass(frozen=True, slots=True)
class CircularRedirect(MediaFault):
    """A media host and its partner, which send every request to each other."""

    has_own_host: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class SegmentFault(MediaFault):
    """What a media host answers to a request for a segment; the transfer's content is the segment alone."""

    clip: str = "hls_20"  # what is delivered in segments

    is_in_segments: ClassVar[bool] = True
