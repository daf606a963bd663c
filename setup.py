"""pyproject.toml says everything else: scrapyd's entry in an egg, and the documents inside the package."""

from pathlib import Path
from shutil import copyfile
from typing import Any

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py


class ScrapydDistribution(Distribution):
    """Adds the entry by which scrapyd finds the settings in an egg."""

    def parse_config_files(self, *given: Any, **more: Any) -> None:
        super().parse_config_files(*given, **more)
        self.entry_points = {**(self.entry_points or {}), "scrapy": ["settings = pytomo_scrapy.settings"]}


class BuildWithDocuments(build_py):
    """Copies docs/*.md into the package: the web page and the README of an export show them where no checkout is."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "pytomo_scrapy" / "dashboard" / "documents"
        target.mkdir(parents=True, exist_ok=True)
        for document in sorted((Path(__file__).parent / "docs").glob("*.md")):
            copyfile(document, target / document.name)


setup(distclass=ScrapydDistribution, cmdclass={"build_py": BuildWithDocuments})
