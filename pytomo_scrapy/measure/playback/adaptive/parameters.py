"""Parameters that adaptive players share, because a browser's media element does what they say."""

from __future__ import annotations

from collections.abc import Mapping

from pytomo_scrapy.measure.playback.player_model import PlayerParameter

_RECORDED = "recorded adaptive sessions"
ELEMENT_PARAMETERS: Mapping[str, PlayerParameter] = {
    "append_s": PlayerParameter(0.008, "s", "from a segment's last byte to its place in the buffer", _RECORDED),
    "start_lag_s": PlayerParameter(0.005, "s", "from the buffer to the first frame", _RECORDED),
    "resume_lag_s": PlayerParameter(0.02, "s", "from the buffer to playing again", _RECORDED),
    "video_grace_s": PlayerParameter(3.0, "s", "sound plays on without video", "Chromium `RendererImpl`"),
}
