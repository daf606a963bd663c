"""What is fetched besides the windows, to compare with: controls after a bad window, and pairs of TLS names."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.config.setting import part, setting
from pytomo_scrapy.config.stage_configs import PathConfig
from pytomo_scrapy.config.values import choice, flag, host_name, number, optional, web_address, whole


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


@dataclass(frozen=True, slots=True)
class DifferentialConfig:
    """Pairs of windows under two TLS names."""

    has_consent: bool = setting(
        "PYTOMO_DIFFERENTIAL_CONSENT",
        False,
        "flag",
        flag,
        "1 says that you have read docs/differential.md and may do it: `differential` sends TLS connections to the "
        "service's hosts under a name that is not theirs, and fetches the same media again and again",
    )
    neutral_name: str = setting(
        "PYTOMO_DIFFERENTIAL_NEUTRAL_NAME",
        "www.example.com",
        "host name",
        host_name,
        "Name that TLS sends in the place of the service's in every other window; one that nobody treats by its name",
    )
    window_s: float = setting(
        "PYTOMO_DIFFERENTIAL_WINDOW_S", 5.0, "s", number(1, 60), "Length of each window of a pair"
    )
    max_bytes: int = setting(
        "PYTOMO_DIFFERENTIAL_MAX_BYTES",
        20_000_000,
        "bytes",
        whole(65536),
        "Largest volume of each window; too little for a fast line measures its start alone",
    )
    effect_ratio: float = setting(
        "PYTOMO_DIFFERENTIAL_EFFECT_RATIO",
        0.25,
        "ratio",
        number(0.05, 0.9),
        "Smallest slow-down that the test is planned to find: the smaller, the more pairs",
    )
    most_pairs: int = setting(
        "PYTOMO_DIFFERENTIAL_MOST_PAIRS",
        60,
        "pairs",
        whole(20, 1000),
        "Most pairs of windows of a test; 20 come first, and their spread says how many find the smallest slow-down",
    )
    path: PathConfig = part(PathConfig)
