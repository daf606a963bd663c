"""What `scrapy lab list` prints: the worlds, one world's hosts and known videos, and the faults."""

from __future__ import annotations

from typing import Any

from pytomo_scrapy.lab.faults import FAULTS
from pytomo_scrapy.lab.hosts import describe_rate, host_fault
from pytomo_scrapy.lab.model import GuestRules, MediaHost, World
from pytomo_scrapy.lab.world import world_names


def describe_lab(world: World) -> str:
    """Return the listing as text; hosts and videos are those of `world`."""
    sections = [
        ("Worlds (pytomo lab --world NAME ...)", list(world_names().items())),
        (
            f"Media hosts of {world.name!r}",
            [(name, _describe_host(host)) for name, host in sorted(world.hosts.items())],
        ),
    ]
    if world.guests.gated_share or world.guests.bot_check_share:
        sections.append((f"Guest identities of {world.name!r}, seed {world.seed}", _describe_guests(world.guests)))
    if world.known:
        title = f"Videos of {world.name!r} for exact experiments (pytomo lab crawl -R ID)"
        sections.append((title, list(world.known.items())))
    by_fault = {video.fault: video.video_id for video in world.videos.values() if video.fault}
    faults = [(name, f"{by_fault.get(name, 'not here'):<11}  {fault.help}") for name, fault in FAULTS.items()]
    sections.append((f"Faults, each with its video in {world.name!r}", faults))
    return "\n\n".join(_section(title, rows) for title, rows in sections)


def lab_record(world: World) -> dict[str, Any]:
    """Return the same for programs, as JSON values."""
    by_fault = {video.fault: video.video_id for video in world.videos.values() if video.fault}
    return {
        "worlds": world_names(),
        "world": world.name,
        "seed": world.seed,
        "hosts": [
            {"name": name, "address": host.address, "rate": describe_rate(host.rate), "about": _describe_host(host)}
            for name, host in sorted(world.hosts.items())
        ],
        "guests": dict(_describe_guests(world.guests)),
        "videos": dict(world.known),
        "faults": [
            {"name": name, "video": by_fault.get(name), "failure": fault.failure, "about": fault.help}
            for name, fault in FAULTS.items()
        ],
    }


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join([title, *(f"  {name:<{width}}  {text}" for name, text in rows)])


def _describe_guests(rules: GuestRules) -> list[tuple[str, str]]:
    limits = [] if rules.gate_bytes is None else [f"{rules.gate_bytes} bytes"]
    limits += [] if rules.gate_media_s is None else [f"{rules.gate_media_s:g} s of media"]
    where = f", each file after {' or '.join(limits)}" if limits else ", nowhere"
    return [
        ("bot checks", f"{rules.bot_check_share:.0%} of them, {rules.captcha_share:.0%} of these as a captcha"),
        ("gated", f"{rules.gated_share:.0%} of the others{where}"),
    ]


def _describe_host(host: MediaHost) -> str:
    parts = [f"{host.address:<12} {describe_rate(host.rate)}"]
    if host.redirects_to:
        parts.append(f"redirects to {host.redirects_to}")
    if host.cname:
        parts.append(f"canonical name {host.cname}")
    if host.first_byte_delay_s:
        parts.append(f"first byte after {host.first_byte_delay_s:g} s")
    if fault := host_fault(host.name):
        parts.append(f"fault {fault.name}")
    return "; ".join(parts)
