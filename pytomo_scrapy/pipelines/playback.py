"""Stage 5: media time of what arrived, and the simulated playback."""

from __future__ import annotations

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.pipelines.stage import StagePipeline


class PlaybackPipeline(StagePipeline):
    """Analyses in the measuring process, never during a window."""

    stage = Stage.PLAYBACK
