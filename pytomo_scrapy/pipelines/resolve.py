"""Stage 1: the video's media URLs."""

from __future__ import annotations

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.pipelines.stage import StagePipeline


class ResolvePipeline(StagePipeline):
    """Resolves every item, with the pages' share of the gate."""

    stage = Stage.RESOLVE
