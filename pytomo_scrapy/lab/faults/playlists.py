"""Faults of the lists of segments: the player API names them in good order, and the lists are of no use."""

from __future__ import annotations

from functools import partial

from pytomo_scrapy.lab.faults.kinds import PlaylistFault

_FETCHED_KEY = '#EXT-X-KEY:METHOD=AES-128,URI="https://www.youtube.com/key"'
_RIGHTS = '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="data:text/plain;base64,AA==",KEYFORMAT="com.widevine.alpha"'
_SEGMENT = "#EXTINF:"


def _before_segments(line: str, text: str) -> str:
    return text.replace(_SEGMENT, f"{line}\n{_SEGMENT}", 1)


ROWS = (
    PlaylistFault(
        "playlist_damaged",
        "the length of the first segment is no number",
        "broken_playlist",
        change=lambda text: text.replace(_SEGMENT, f"{_SEGMENT}long,\n{_SEGMENT}", 1),
    ),
    PlaylistFault(
        "playlist_encrypted",
        "the segments are encrypted, with a key to be fetched",
        "media_encrypted",
        change=partial(_before_segments, _FETCHED_KEY),
    ),
    PlaylistFault(
        "playlist_rights",
        "the segments' samples are encrypted by a system of rights",
        "drm_protected",
        change=partial(_before_segments, _RIGHTS),
    ),
    PlaylistFault(
        "playlist_live",
        "the playlist has no end: more segments are to come",
        "live",
        change=lambda text: text.replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "").replace("#EXT-X-ENDLIST\n", ""),
    ),
)
