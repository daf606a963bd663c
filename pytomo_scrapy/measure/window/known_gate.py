"""What is known of the service's gate before it is met: for a warning at the start, and for where a canary asks."""

from __future__ import annotations

from pytomo_scrapy.config import DownloadConfig

# Seconds of media after which distrusted guests were refused, in the reports of autumn 2026: 60 to 65.
# Source: A-EDev/Flow#923, anxdpanic/plugin.video.youtube#1481, yt-dlp#17456. Nothing is judged by it.
REPORTED_GATE_MEDIA_S = 60.0


def gate_sentence(config: DownloadConfig, seen_media_s: float | None, *, is_reported: bool = True) -> str | None:
    """Say that paced windows reach as far as the gate. None where they do not, or nothing is known of one.

    `seen_media_s` is the least that this measuring point has met; where it has met none, `is_reported` lets the
    reports of others stand in.
    """
    known_s = REPORTED_GATE_MEDIA_S if seen_media_s is None and is_reported else seen_media_s
    reach_s = config.window_s + config.buffer_goal_s
    if config.mode != "paced" or known_s is None or reach_s < known_s:
        return None
    seen = "was seen here" if seen_media_s is not None else "is reported"
    return (
        f"Paced windows take up to {reach_s:g} s of media (PYTOMO_DOWNLOAD_WINDOW_S + PYTOMO_DOWNLOAD_BUFFER_GOAL_S); "
        f"that the service cuts guests off at {known_s:.3g} s of media {seen}: a window that meets this is kept as "
        "media_gated, and a lower buffer goal keeps clear of it"
    )
