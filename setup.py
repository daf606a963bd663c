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
    """Copies the documents and their pictures into the package: the web page shows them without a checkout."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        docs, target = (
            Path(__file__).parent / "docs",
            Path(self.build_lib) / "pytomo_scrapy" / "dashboard" / "documents",
        )
        (target / "images").mkdir(parents=True, exist_ok=True)
        for source in sorted([*docs.glob("*.md"), *docs.glob("images/*.svg"), *docs.glob("images/*.png")]):
            copyfile(source, target / source.relative_to(docs))


setup(distclass=ScrapydDistribution, cmdclass={"build_py": BuildWithDocuments})
