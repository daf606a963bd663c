"""What the lab's parts share: its videos, media hosts and worlds. Plain values, no servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class RateRule:
    """How fast a media host sends the body bytes of one video, all its connections together.

    `steps` are (from_s, rate_bps) pairs, repeated after `period_s` where that is set; `clip_ratio` gives the rate as
    a multiple of the clip's own mean rate (all its streams) instead. Neither: no limit.
    """

    steps: tuple[tuple[float, float], ...] = ()
    period_s: float | None = None
    clip_ratio: float | None = None


# Loopback has one IPv6 address, unlike 127.0.0.0/8: over IPv6 all media hosts share it and differ by name.
LOOPBACK_V6 = "::1"


@dataclass(frozen=True, slots=True)
class MediaHost:
    """One cache of the lab's service, on a loopback address of its own."""

    name: str  # rrN---sn-*.googlevideo.com
    address: str  # 127.x.y.z
    rate: RateRule = RateRule()
    redirects_to: str | None = None  # name of the host that it sends every request to
    cname: str | None = None  # canonical name that the name servers put in between
    first_byte_delay_s: float = 0.0
    # A shaper in front of it: what it sends to a client whose TLS names it. Then it takes any name. None: no shaper.
    named_rate: RateRule | None = None
    address_v6: str | None = None  # LOOPBACK_V6 where the name servers also give an AAAA record


class PageShape(StrEnum):
    """How a watch page carries the list of related videos."""

    ASSIGNMENT = "an assignment to ytInitialData"
    ELEMENT = "a script element with the id yt-initial-data"
    NEITHER = "not at all: POST /youtubei/v1/next gives it"


class Delivery(StrEnum):
    """How the first service hands a video's media out; the second one always has playlists."""

    FILES = "files, asked for by ranges"
    HLS = "segments that HLS playlists list"
    DASH = "segments that a DASH manifest lists"


@dataclass(frozen=True, slots=True)
class LabVideo:
    """A video of the lab's world."""

    video_id: str
    title: str
    clip: str  # name of a clip in clips.CLIPS
    host: str  # name of its MediaHost
    fault: str | None = None  # name of one of faults.FAULTS
    channel: str = "Lab Channel"
    view_count: int = 0
    age_days: int = 0
    related: tuple[str, ...] = ()  # ids, in the order of the page
    available_after_s: float = 0.0  # a pre-roll ad: the media is refused before it is over
    page_shape: PageShape = PageShape.ASSIGNMENT
    sabr: str = "plain"  # name of one of sabr.behaviours.BEHAVIOURS
    segmented_clip: str | None = None  # what playlists and manifests list; None: there are none
    delivery: Delivery = Delivery.FILES

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of the clips that its media hosts serve."""
        return (self.clip, self.segmented_clip) if self.segmented_clip else (self.clip,)


@dataclass(frozen=True, slots=True)
class GuestRules:
    """How the service treats guests; an identity is drawn by these shares, each 0 to 1.

    A gated identity may reach into each of its files up to `gate_bytes` and up to `gate_media_s` of media, whichever
    comes first; None: no such limit. A range that reaches further is refused whole.
    """

    bot_check_share: float = 0.0
    captcha_share: float = 0.0  # of the bot checks, those that ask for a captcha in place of a sign-in
    gated_share: float = 0.0  # of the identities without a bot check
    gate_bytes: int | None = 1024 * 1024
    gate_media_s: float | None = 60.0


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the lab's service knows. `popular` maps a time frame to ids, per source."""

    name: str
    help: str
    videos: dict[str, LabVideo] = field(default_factory=dict)
    hosts: dict[str, MediaHost] = field(default_factory=dict)
    charts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by chart type
    gaming: tuple[str, ...] = ()
    podcasts: tuple[str, ...] = ()
    sports: tuple[str, ...] = ()
    search: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by time frame
    results_per_page: int = 20  # of a search; every term has the same first page in a large world
    known: dict[str, str] = field(default_factory=dict)  # ids of videos for exact experiments, and what each is for
    seed: int = 0
    guests: GuestRules = GuestRules()
