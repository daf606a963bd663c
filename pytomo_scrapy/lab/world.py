"""The lab's worlds, each the same every time: videos, titles, related graph, popular lists and media hosts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from pytomo_scrapy.lab import hosts as caches
from pytomo_scrapy.lab.faults import FAULTS, PlayerApiFault, SegmentFault, fault_at
from pytomo_scrapy.lab.hosts import DUAL_STACK_HOST_NAME, TRUNCATED_HOST_NAME, fault_host_name, special_hosts
from pytomo_scrapy.lab.model import Delivery, GuestRules, LabVideo, MediaHost, PageShape, RateRule, World
from pytomo_scrapy.lab.sabr.behaviours import BEHAVIOURS
from pytomo_scrapy.lab.titles import title_of

FRAME_DAYS: Mapping[str, int] = {"today": 0, "week": 7, "month": 31, "all_time": 100_000}

_CLIPS = (
    *("separate_40", "separate_20", "separate_90", "separate_vbr_40", "separate_40"),
    *("muxed_40", "muxed_20", "muxed_90", "muxed_index_last_40", "muxed_vbr_40", "webm_40"),
)
# What stands for a file where a service delivers its videos in segments.
_SEGMENTED: Mapping[str, tuple[str, ...]] = {
    "muxed_20": ("hls_20",),
    "muxed_40": ("hls_40", "packed_40", "separate_40"),
    "muxed_90": ("hls_90",),
    "muxed_vbr_40": ("hls_vbr_40",),
    "muxed_index_last_40": ("separate_40",),
}
_SPREAD = (
    *caches.FAST,
    *caches.FAST,
    caches.TWO_MBIT,
    caches.FIVE_MBIT,
    caches.TENFOLD,
    caches.SAWTOOTH,
    caches.OUTAGE,
)


@dataclass
class _Draft:
    """A world in the making."""

    name: str
    seed: int
    random: Random
    videos: dict[str, LabVideo] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, title: str, clip: str, host: str, **more: object) -> str:
        video_id = make_video_id(f"{self.name}/{key}")
        segmented = _SEGMENTED.get(clip, ())
        segmented_clip = segmented[int.from_bytes(video_id.encode()) % len(segmented)] if segmented else None
        video = LabVideo(video_id=video_id, title=title, clip=clip, host=host, segmented_clip=segmented_clip)
        self.videos[video_id] = replace(video, **more)  # type: ignore[arg-type]
        return video_id

    def add_faulty(self, fault: str, clip: str = "separate_40", **more: object) -> str:
        row = FAULTS[fault]
        host = fault_host_name(fault) if row.has_own_host else caches.full_name(caches.FAST[0])
        if row.is_in_segments:
            segmented_clip = row.clip if isinstance(row, SegmentFault) else "hls_20"
            more |= {"delivery": Delivery.HLS, "segmented_clip": segmented_clip}
        return self.add(f"fault/{fault}", f"Fault {fault}: {row.help}", clip, host, fault=fault, **more)

    def add_experiment(self, key: str, what: str, clip: str, host: str, **more: object) -> str:
        video_id = self.add(f"known/{key}", f"Experiment: {what}", clip, host, **more)
        self.known[video_id] = f"{what} ({clip})"
        return video_id

    def relate(self, least: int, most: int) -> None:
        """Give every video between `least` and `most` related ones, never itself and none twice."""
        ids = list(self.videos)
        for video_id in ids:
            others = [other for other in ids if other != video_id]
            count = min(len(others), self.random.randint(least, most))
            self.videos[video_id] = replace(self.videos[video_id], related=tuple(self.random.sample(others, count)))


def make_video_id(key: str) -> str:
    """Return the id that belongs to `key`: 64 bits in base64url, as the service's ids are."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:8]).decode().rstrip("=")


def build_world(name: str, seed: int = 0) -> World:
    """Build the world called `name`: the same one for the same seed. Raises KeyError for an unknown name."""
    make, _ = _WORLDS[name]
    return make(_Draft(name, seed, Random(f"{name}:{seed}")))


def world_names() -> dict[str, str]:
    """Return every world's name and purpose."""
    return {name: text for name, (_, text) in _WORLDS.items()}


def with_rates(world: World, rates: Mapping[str, RateRule], everywhere: RateRule | None = None) -> World:
    """Return `world` with other rates. Raises KeyError if a host of `rates` is not in the world."""
    changed = {name: replace(host, rate=everywhere or host.rate) for name, host in world.hosts.items()}
    for name, rate in rates.items():
        full = name if name in changed else caches.full_name(name)
        changed[full] = replace(changed[full], rate=rate)
    return replace(world, hosts=changed)


def _all_hosts() -> dict[str, MediaHost]:
    return {**caches.common_hosts(), **special_hosts()}


def _finish(
    draft: _Draft, charts: dict[str, tuple[str, ...]], gaming: Iterable[str], search: dict[str, tuple[str, ...]]
) -> World:
    used = {video.host for video in draft.videos.values()}
    hosts = _all_hosts()
    # A redirect's target is needed too, and the redirect loop is a pair of hosts that point at each other.
    for _ in range(2):
        used |= {target for name in used if (target := hosts[name].redirects_to)}
    return World(
        name=draft.name,
        help=_WORLDS[draft.name][1],
        videos=draft.videos,
        hosts={name: host for name, host in hosts.items() if name in used},
        charts=charts,
        gaming=tuple(gaming),
        podcasts=tuple(gaming),
        sports=tuple(gaming),
        search=search,
        known=draft.known,
        seed=draft.seed,
    )


def _same_everywhere(draft: _Draft, ids: list[str]) -> World:
    """Finish a small world whose every popular list is `ids` in this order."""
    order = tuple(ids)
    charts = dict.fromkeys(("TRENDING_VIDEOS", "TRENDING_MOVIES", "VIDEOS:DAILY", "VIDEOS:WEEKLY"), order)
    return _finish(draft, charts, order, dict.fromkeys(FRAME_DAYS, order))


def _age_and_views(random: Random) -> tuple[int, int]:
    """Draw an age and the views that go with it: old videos have had time to gather more."""
    age_days, typical_views = random.choice(
        ((0, 2e4), (random.randint(1, 6), 3e5), (random.randint(8, 30), 4e6), (random.randint(40, 4000), 6e7))
    )
    return age_days, int(typical_views * random.lognormvariate(0, 0.6))


def _add_experiments(draft: _Draft) -> None:
    name = caches.full_name
    add = draft.add_experiment
    # The muxed one is first of every list at the second service, so that each crawl there meets a stall.
    first: dict[str, object] = {"age_days": 0, "view_count": 1_000_000_000, "segmented_clip": "hls_40"}
    for clip, more in (("separate_40", {"age_days": 400}), ("muxed_40", first)):
        add(f"half/{clip}", "a host at half of the clip's rate", clip, name(caches.HALF), **more)
        add(f"tenfold/{clip}", "a host at ten times the clip's rate", clip, name(caches.TENFOLD), age_days=400)
    add("2mbit", "a host at 2 Mbit/s", "separate_90", name(caches.TWO_MBIT), age_days=400)
    add("5mbit", "a host at 5 Mbit/s", "separate_90", name(caches.FIVE_MBIT), age_days=400)
    add("sawtooth", "a rate that rises and falls", "separate_40", name(caches.SAWTOOTH), age_days=400)
    add("outage", "nothing arrives for six seconds", "separate_40", name(caches.OUTAGE), age_days=400)
    add("redirect", "a host that redirects to another", "separate_40", name(caches.REDIRECTING), age_days=400)
    add("cname", "a host behind a canonical name", "separate_40", name(caches.CANONICAL), age_days=400)
    add("late", "a first byte after 0.8 s", "separate_40", name(caches.SLOW_START), age_days=400)
    add("truncated-dns", "DNS answers that need TCP", "separate_40", TRUNCATED_HOST_NAME, age_days=400)
    add("dual-stack", "a host with an IPv6 address too", "separate_40", DUAL_STACK_HOST_NAME, age_days=400)
    for key, clip, label in (
        ("a transport stream", "hls_40", caches.FAST[0]),
        ("a transport stream, a host at half of the rate", "hls_40", caches.HALF),
        ("a transport stream and packed sound", "packed_40", caches.FAST[0]),
        ("fragmented MP4 by ranges", "separate_40", caches.FAST[0]),
    ):
        more = {"age_days": 400, "delivery": Delivery.HLS, "segmented_clip": clip}
        add(f"hls/{key}", f"HLS: {key}", "separate_40", name(label), **more)
    for label, what in ((caches.FAST[0], "DASH"), (caches.HALF, "DASH, a host at half of the clip's rate")):
        more = {"age_days": 400, "delivery": Delivery.DASH, "segmented_clip": "separate_40"}
        add(f"dash/{what}", f"{what}: segments with addresses of their own", "separate_40", name(label), **more)
    fast = name(caches.FAST[0])
    add(
        "preroll", "media that the service holds back for 3 s", "separate_40", fast, age_days=400, available_after_s=3.0
    )


def _stops_a_crawl(fault: str) -> bool:
    found = fault_at(PlayerApiFault, fault)
    return found is not None and found.stops_a_crawl


def _default(draft: _Draft) -> World:
    random = draft.random
    faults = [fault for fault in FAULTS if not _stops_a_crawl(fault)]
    for number in range(360):
        age_days, view_count = _age_and_views(random)
        more = {"age_days": age_days, "view_count": view_count, "channel": f"Lab Channel {number % 40}"}
        if number % 10 == 9 and faults:
            draft.add_faulty(faults.pop(0), random.choice(_CLIPS[:5]), **more)
            continue
        host = caches.full_name(random.choice(_SPREAD))
        draft.add(f"video/{number}", title_of(number, random), random.choice(_CLIPS), host, **more)
    for fault in faults:  # more than there was room for among the others
        draft.add_faulty(fault, _CLIPS[0])
    _add_experiments(draft)
    draft.relate(25, 40)
    hits = _hits(draft)
    charts = {
        "TRENDING_VIDEOS": hits["today"][:3],
        "TRENDING_MOVIES": hits["today"][2:],
        "VIDEOS:DAILY": hits["today"],
        "VIDEOS:WEEKLY": hits["week"],
    }
    search = {
        frame: (*hits[frame], *(video_id for video_id in _most_viewed(draft, days) if video_id not in hits[frame]))
        for frame, days in FRAME_DAYS.items()
    }
    # A destination knows no frame: the week's four, so that a crawl of the week starts from no more than these.
    world = _finish(draft, charts, hits["today"][1:], search)
    return replace(world, results_per_page=len(hits["week"]), podcasts=hits["week"], sports=hits["week"])


def _hits(draft: _Draft) -> dict[str, tuple[str, ...]]:
    """Choose four videos for each time frame that all its lists agree on, and give them few related videos.

    So a dozen videos are enough to reach the third round, as a whole crawl of the real service would after thousands.
    """
    hits: dict[str, tuple[str, ...]] = {}
    used: set[str] = set()
    for frame, days in FRAME_DAYS.items():
        unused = [video_id for video_id in _most_viewed(draft, days) if video_id not in used]
        healthy = [video_id for video_id in unused if draft.videos[video_id].fault is None]
        hits[frame], near = tuple(healthy[:4]), healthy[4:9]
        used.update(healthy[:9])
        for index, video_id in enumerate(hits[frame]):
            draft.videos[video_id] = replace(draft.videos[video_id], related=tuple(near[index : index + 2]))
    return hits


def _most_viewed(draft: _Draft, days: int) -> tuple[str, ...]:
    young = [video for video in draft.videos.values() if video.age_days <= days and video.video_id not in draft.known]
    return tuple(video.video_id for video in sorted(young, key=lambda video: -video.view_count))


def _demo(draft: _Draft) -> World:
    name = caches.full_name
    ids = [
        draft.add("fine/1", "A fast host", "separate_20", name(caches.FAST[0]), view_count=9_000_000),
        draft.add("stalls/1", "A host that pauses", "separate_20", name(caches.INTERRUPTED), view_count=8_000_000),
        draft.add_faulty("private", "separate_20", view_count=7_000_000),
        draft.add("fine/2", "A host behind a canonical name", "muxed_20", name(caches.CANONICAL), view_count=6_000_000),
        draft.add_faulty("reset", "separate_20", view_count=5_000_000),
        draft.add(
            "fine/3",
            "A redirecting host, العربية 🎬 <b>",
            "separate_20",
            name(caches.REDIRECTING),
            view_count=4_000_000,
        ),
        draft.add(
            "stalls/2", "A host that pauses, again", "separate_20", name(caches.INTERRUPTED), view_count=3_000_000
        ),
        draft.add(
            "fine/4", "A host with ten times the rate", "separate_20", name(caches.TENFOLD), view_count=2_000_000
        ),
    ]
    draft.relate(5, 7)
    return _same_everywhere(draft, ids)


def _faults(draft: _Draft) -> World:
    faults = sorted(FAULTS, key=_stops_a_crawl)
    ids = [draft.add_faulty(fault, view_count=1000 - number) for number, fault in enumerate(faults)]
    for number, label in enumerate(caches.FAST):
        ids.insert(
            number * 8,
            draft.add(f"healthy/{number}", f"Healthy video {number}", "separate_20", caches.full_name(label)),
        )
    everything = tuple(ids)
    for number, video_id in enumerate(everything):
        # The next ones first, so that a walk of any width reaches all.
        related = everything[number + 1 :] + everything[:number]
        draft.videos[video_id] = replace(draft.videos[video_id], related=related)
    # Twenty videos are considered of each list by default, so two lists of twenty reach all forty; what is more is
    # related to them.
    first, last = everything[:20], everything[20:]
    charts = dict.fromkeys(("TRENDING_VIDEOS", "TRENDING_MOVIES", "VIDEOS:DAILY", "VIDEOS:WEEKLY"), first)
    return _finish(draft, charts, last, dict.fromkeys(FRAME_DAYS, last + first))


def _clean(draft: _Draft) -> World:
    for number in range(60):
        host = caches.full_name(caches.FAST[number % len(caches.FAST)])
        views = 1_000_000 - number
        draft.add(
            f"video/{number}",
            title_of(number, draft.random),
            ("separate_20", "muxed_20")[number % 2],
            host,
            view_count=views,
        )
    draft.relate(25, 40)
    return _same_everywhere(draft, list(draft.videos))


def _autumn_2026(draft: _Draft) -> World:
    """Make what a guest commonly meets in autumn 2026; the four refused videos are a lasting property of theirs."""
    random = draft.random
    refused = ("interstitial", "interstitial_unknown", "screen_unknown", "screen_without_reason")
    for number in range(68):
        age_days, view_count = _age_and_views(random)
        more = {"age_days": age_days, "view_count": view_count, "channel": f"Lab Channel {number % 40}"}
        # So that two sources of twenty videos hold some pages of every shape.
        more["page_shape"] = random.choices(list(PageShape), weights=(5, 4, 1))[0]
        if number % 17 == 16:
            draft.add_faulty(refused[number // 17], "separate_20", **more)
            continue
        host = caches.full_name(caches.FAST[number % len(caches.FAST)])
        draft.add(f"video/{number}", title_of(number, random), "separate_20", host, **more)
    draft.relate(25, 40)
    order = tuple(sorted(draft.videos, key=lambda video_id: -draft.videos[video_id].view_count))
    charts = dict.fromkeys(("TRENDING_VIDEOS", "TRENDING_MOVIES", "VIDEOS:DAILY", "VIDEOS:WEEKLY"), order[:10])
    # The charts and the first page of a search hold twenty videos together: a crawl of forty reads watch pages too.
    world = _finish(draft, charts, order[10:20], dict.fromkeys(FRAME_DAYS, order))
    # Clips of 20 s have no 60th second; the third request of a paced window is the first that a gate refuses.
    guests = GuestRules(gated_share=0.65, gate_media_s=15.0, bot_check_share=0.4, captcha_share=0.2)
    return replace(world, podcasts=order[20:44], sports=order[44:], guests=guests)


def _sabr(draft: _Draft) -> World:
    """Make a video for each thing that a SABR server may do, then the same clip on hosts of four rates."""
    # Two hosts: a redirect leads from one to the other.
    for number, row in enumerate(BEHAVIOURS.values()):
        fast = caches.full_name(caches.FAST[number % 2])
        draft.add_experiment(f"sabr/{row.name}", f"SABR: {row.help}", "separate_40", fast, sabr=row.name)
    rates = {caches.HALF: "half", caches.EVEN: "once", caches.THREEFOLD: "three times", caches.TENFOLD: "ten times"}
    for label, times in rates.items():
        what = f"SABR and plain URLs from a host at {times} the clip's rate"
        draft.add_experiment(f"rate/{times}", what, "separate_40", caches.full_name(label))
    what = "six qualities over SABR, from a host whose rate falls"
    draft.add_experiment("ladder", what, "ladder_60", caches.full_name(caches.FALLING))
    draft.relate(10, 12)
    return _same_everywhere(draft, list(draft.videos))


def _ladder(draft: _Draft) -> World:
    """Make a video in six qualities on a host of each rate, as files and by a DASH manifest."""
    ids = []
    for label, rate_bps in caches.LADDER_RATES_BPS.items():
        for delivery in (Delivery.FILES, Delivery.DASH):
            what = f"six qualities, a host at {rate_bps / 1e6:g} Mbit/s, {delivery.name}"
            more = {"age_days": 400, "segmented_clip": "ladder_60", "delivery": delivery}
            ids.append(draft.add_experiment(what, what, "ladder_60", caches.full_name(label), **more))
    draft.relate(5, 7)
    return _same_everywhere(draft, ids)


def _names(draft: _Draft) -> World:
    """Make a video behind a shaper of one TLS name, one behind none, and one whose host takes its own name alone."""
    what = {
        caches.SHAPED_BY_NAME: "a shaper halves the rate of who names the host in TLS",
        caches.ANY_NAME: "the host takes any TLS name, and nobody looks at it",
        caches.FAST[0]: "the host has a certificate for no TLS name but its own",
    }
    ids = [draft.add_experiment(key, key, "separate_40", caches.full_name(label)) for label, key in what.items()]
    draft.relate(1, 2)
    return _same_everywhere(draft, ids)


_WORLDS: Mapping[str, tuple[Callable[[_Draft], World], str]] = {
    "default": (_default, "a few hundred videos on fast, slow, uneven and redirecting hosts, most faults sprinkled in"),
    "demo": (_demo, "eight videos for a first look: some play, some stall, some fail"),
    "faults": (_faults, "every fault exactly once, and four healthy videos"),
    "ladder": (_ladder, "a video of 60 s in six qualities, on hosts from 0.3 to 20 Mbit/s, as files and by DASH"),
    "clean": (_clean, "sixty videos without any fault, all on fast hosts"),
    "autumn2026": (
        _autumn_2026,
        "what guests met in autumn 2026: gated identities, bot checks, pages and refusals of new shapes; fast hosts",
    ),
    "names": (_names, "a shaper that slows one TLS name, none, and a host that takes no other name than its own"),
    "sabr": (_sabr, "a video for each thing that a SABR server may do, and four hosts to compare both transports on"),
}
