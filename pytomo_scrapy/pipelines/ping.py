"""Stage 3: idle round trips to every distinct address."""

from __future__ import annotations

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.pipelines.stage import StagePipeline


class PingPipeline(StagePipeline):
    """Pings the addresses, with the probes' share of the gate."""

    stage = Stage.PING
