"""What is fetched besides the windows, to compare with: controls after a bad window, and pairs of TLS names."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.config.setting import part, setting
from pytomo_scrapy.config.stage_configs import PathConfig
from pytomo_scrapy.config.values import choice, number, optional, web_address, whole


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """Controls: a few seconds from other hosts after a bad window."""

    mode: str = setting(
        "PYTOMO_CONTROL",
        "on",
        "on, off",
        choice("on", "off"),
        "on fetches for a few seconds from other hosts after a bad window, which tells the service from the path and "
        "the access line (docs/autopsy.md)",
    )
    window_s: float = setting("PYTOMO_CONTROL_WINDOW_S", 3.0, "s", number(0.5, 10), "Length of a control")
    max_bytes: int = setting(
        "PYTOMO_CONTROL_MAX_BYTES", 8_000_000, "bytes", whole(65536), "Largest volume that a control fetches"
    )
    every_s: float = setting(
        "PYTOMO_CONTROL_EVERY_S",
        3600.0,
        "s",
        number(3600),
        "Shortest time between the controls of a measuring point; an hour at least",
    )
    reference_url: str | None = setting(
        "PYTOMO_CONTROL_REFERENCE_URL",
        None,
        "URL",
        optional(web_address),
        "A large file outside the service's network that is fetched as a control too; one that you may load. It says "
        "whether the line is slow to everybody",
    )
    path: PathConfig = part(PathConfig)
