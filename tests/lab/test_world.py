"""The worlds: the same every time, real looking ids, faults and popular lists where they belong."""

import re

import pytest

from pytomo_scrapy.lab import hosts
from pytomo_scrapy.lab.clips.clip import CLIPS
from pytomo_scrapy.lab.faults import FAULTS, host_faults
from pytomo_scrapy.lab.hosts import fault_host_name
from pytomo_scrapy.lab.model import RateRule
from pytomo_scrapy.lab.titles import HOSTILE
from pytomo_scrapy.lab.world import FRAME_DAYS, build_world, make_video_id, with_rates, world_names
from pytomo_scrapy.measure.playback.validated import FAST_LINKS

# 64 bits in 11 characters leave four bits for the last one, so only every fourth letter can stand there.
REAL_ID = re.compile(r"[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]")


@pytest.mark.parametrize("name", world_names())
def test_world_built_twice_is_the_same(name):
    assert build_world(name) == build_world(name)


def test_world_other_seed_keeps_known_ids_and_changes_the_graph():
    first, second = build_world("default", 0), build_world("default", 1)
    assert first.known == second.known
    video_id = next(iter(first.videos))
    assert first.videos[video_id].related != second.videos[video_id].related


@pytest.mark.parametrize("name", world_names())
def test_world_refers_only_to_what_exists(name):
    world = build_world(name)
    with_own_host = {fault.name for fault in host_faults()}
    lists = [*world.charts.values(), world.gaming, *world.search.values(), tuple(world.known)]
    assert {video_id for ids in lists for video_id in ids} <= set(world.videos)
    assert len({host.address for host in world.hosts.values()}) == len(world.hosts)
    for video_id, video in world.videos.items():
        assert REAL_ID.fullmatch(video_id)
        assert video.clip in CLIPS
        assert video.host in world.hosts
        assert video.fault is None or video.fault in FAULTS
        assert set(video.related) <= set(world.videos) - {video_id}
        assert len(set(video.related)) == len(video.related)
        # A fault of a host shows only on the host that has it, and nobody healthy may live there.
        assert (video.host == fault_host_name(video.fault or "")) == (video.fault in with_own_host)
    for host in world.hosts.values():
        assert host.redirects_to is None or host.redirects_to in world.hosts


def test_default_world_has_hostile_titles_faults_and_related_videos():
    world = build_world("default")
    videos = world.videos.values()
    assert len(videos) >= 300
    assert set(HOSTILE) <= {video.title for video in videos}
    assert max(len(title.encode()) for title in HOSTILE) > 10_000
    hits = {video_id for frame in FRAME_DAYS for video_id in world.search[frame][:4]}
    assert len(hits) == 16
    assert {len(world.videos[video_id].related) for video_id in hits} == {2}, "the third round comes soon"
    assert {len(video.related) for video in videos if video.video_id not in hits} == set(range(25, 41))
    stopping = {"bot_check", "captcha", "rate_limited", "http_429"}
    assert {video.fault for video in videos if video.fault} == set(FAULTS) - stopping


def test_default_world_popular_lists_differ_between_time_frames():
    world = build_world("default")
    tops = [world.search[frame][:20] for frame in FRAME_DAYS]
    assert len({frozenset(top) for top in tops}) == 4
    assert all(len(set(top) & set(other)) < 20 for top in tops for other in tops if top is not other)
    for frame, days in FRAME_DAYS.items():
        assert all(world.videos[video_id].age_days <= days for video_id in world.search[frame])
    assert world.charts["VIDEOS:DAILY"] != world.charts["VIDEOS:WEEKLY"]


def test_default_world_known_videos_live_on_the_hosts_they_are_for():
    world = build_world("default")
    rates = {world.hosts[world.videos[video_id].host].rate.clip_ratio for video_id in world.known}
    assert {0.5, 10.0} <= rates
    assert any(world.videos[video_id].available_after_s == 3.0 for video_id in world.known)
    assert make_video_id("default/known/half/separate_40") in world.known


def test_faults_world_has_each_fault_once_and_two_pages_of_twenty_reach_forty():
    world = build_world("faults")
    faults = [video.fault for video in world.videos.values() if video.fault]
    assert sorted(faults) == sorted(FAULTS)
    sources = (world.charts["VIDEOS:WEEKLY"], world.search["week"])
    assert len({video_id for source in sources for video_id in source[:20]}) == min(40, len(world.videos))


def test_demo_world_first_six_play_stall_and_fail():
    world = build_world("demo")
    first = [world.videos[video_id] for video_id in world.search["week"][:6]]
    assert [video.fault for video in first].count(None) == 4
    assert any(video.host == hosts.full_name(hosts.INTERRUPTED) for video in first)
    assert set(world.search.values()) == {world.gaming} == set(world.charts.values())


def test_clean_world_has_no_fault_and_only_lines_that_recordings_reach():
    world = build_world("clean")
    assert {video.fault for video in world.videos.values()} == {None}
    (line,) = {host.rate for host in world.hosts.values()}
    assert line.steps[0][1] < FAST_LINKS.delivery_bps


def test_with_rates_changes_one_host_over_all_hosts():
    rule, everywhere = RateRule(steps=((0.0, 1e6),)), RateRule(clip_ratio=2.0)
    world = with_rates(build_world("clean"), {hosts.FAST[1]: rule}, everywhere)
    assert world.hosts[hosts.full_name(hosts.FAST[1])].rate == rule
    assert world.hosts[hosts.full_name(hosts.FAST[0])].rate == everywhere


def test_with_rates_unknown_host_raises_key_error():
    with pytest.raises(KeyError, match="nowhere"):
        with_rates(build_world("clean"), {"nowhere": RateRule()})


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (RateRule(), "no limit"),
        (RateRule(clip_ratio=0.5), "0.5 times the clip's own rate"),
        (RateRule(steps=((0.0, 2e6),)), "2 Mbit/s"),
        (RateRule(steps=((0.0, 4e6), (3.0, 0.0)), period_s=9.0), "Mbit/s: 4 from 0 s, 0 from 3 s, again every 9 s"),
    ],
)
def test_describe_rate_names_the_rule(rate, text):
    assert hosts.describe_rate(rate) == text
