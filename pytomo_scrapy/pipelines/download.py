"""Stage 4: the window on the wire, alone, in a process of its own."""

from __future__ import annotations

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.pipelines.stage import StagePipeline


class DownloadPipeline(StagePipeline):
    """Opens one window at a time, alone on the wire; the hosts that it was redirected to are pinged after it."""

    stage = Stage.DOWNLOAD
