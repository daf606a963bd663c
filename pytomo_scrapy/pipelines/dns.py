"""Stage 2: the addresses of the media hosts, by every resolver."""

from __future__ import annotations

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.pipelines.stage import StagePipeline


class DnsPipeline(StagePipeline):
    """Looks the media hosts up, and whose networks they are in, with the probes' share of the gate."""

    stage = Stage.DNS
