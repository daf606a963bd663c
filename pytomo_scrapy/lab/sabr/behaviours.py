"""What the lab's SABR server does besides sending media: a row each, by video.

A row with a class of failure is a fault over SABR; over plain URLs its video is fine.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SabrBehaviour:
    """One way to answer. Times are of content, `ad_ms` apart, which is of the clock.

    `failure` is the class that a window over SABR must get; None: it plays.
    """

    name: str
    help: str
    failure: str | None = None
    is_redirected: bool = False  # to another host, once
    is_redirected_for_ever: bool = False
    error_at_ms: int | None = None
    reload_at_ms: int | None = None
    gate_at_ms: int | None = None
    withhold_at_ms: int | None = None
    withhold_status: int = 1
    cut_at_ms: int | None = None  # inside the media of the segment that begins there or later
    refuse_at_ms: int | None = None  # HTTP 403
    ad_ms: int | None = None  # no media until it is over and its context comes back
    is_init_left_out: bool = False  # though no request claims to have it
    is_odd: bool = False  # unknown parts, long numbers, small parts of two tracks in turn


_ROWS = (
    SabrBehaviour("plain", "whole segments up to 15 s ahead"),
    SabrBehaviour("redirect", "the first answer redirects to another host", is_redirected=True),
    SabrBehaviour("redirect_loop", "every answer redirects", "redirect_loop", is_redirected_for_ever=True),
    SabrBehaviour("error", "an error of the service from 8 s of content on", "sabr_error", error_at_ms=8000),
    SabrBehaviour("reload", "the player is to be loaded anew from 8 s on", "player_reload", reload_at_ms=8000),
    SabrBehaviour("gate", "status 3 and no media from 12 s of content on", "media_gated", gate_at_ms=12_000),
    SabrBehaviour(
        "pending",
        "status 2 and no media from 12 s of content on",
        "media_gated",
        withhold_at_ms=12_000,
        withhold_status=2,
    ),
    SabrBehaviour("withheld", "no media and no wait from 12 s on", "media_withheld", withhold_at_ms=12_000),
    SabrBehaviour("refused", "HTTP 403 from 12 s of content on", "media_gated", refuse_at_ms=12_000),
    SabrBehaviour("cut", "the connection ends in the media of the segment at 8 s", "truncated", cut_at_ms=8000),
    SabrBehaviour(
        "no_init", "no init segment ever comes, as if it had been claimed", "bad_response", is_init_left_out=True
    ),
    SabrBehaviour("ad", "no media for an advertisement of 4 s, and until its context comes back", ad_ms=4000),
    SabrBehaviour("odd", "unknown parts, long numbers, and both tracks' media in turn", is_odd=True),
)
BEHAVIOURS: dict[str, SabrBehaviour] = {row.name: row for row in _ROWS}
PLAIN = BEHAVIOURS["plain"]
