"""For scrapyd-deploy, which builds eggs by it; pyproject.toml says everything else."""

from typing import Any

from setuptools import Distribution, setup


class ScrapydDistribution(Distribution):
    """Adds the entry by which scrapyd finds the settings in an egg."""

    def parse_config_files(self, *given: Any, **more: Any) -> None:
        super().parse_config_files(*given, **more)
        self.entry_points = {**(self.entry_points or {}), "scrapy": ["settings = pytomo_scrapy.settings"]}


setup(distclass=ScrapydDistribution)
