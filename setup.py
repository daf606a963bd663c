"""pyproject.toml says everything else: what scrapyd needs of an egg, and the documents inside the package."""

from pathlib import Path
from shutil import copyfile
from typing import Any

from setuptools import Distribution, setup
from setuptools.command.bdist_egg import bdist_egg
from setuptools.command.build_py import build_py


class ScrapydDistribution(Distribution):
    """Adds the entry by which scrapyd finds the settings in an egg."""

    def parse_config_files(self, *given: Any, **more: Any) -> None:
        super().parse_config_files(*given, **more)
        self.entry_points = {**(self.entry_points or {}), "scrapy": ["settings = pytomo_scrapy.settings"]}


class CompiledEgg(bdist_egg):
    """Puts compiled modules beside their sources, where an import from an archive looks for them.

    In `__pycache__` it does not: each process of a scheduled crawl would compile the whole package, for most of a
    second. Another version of Python takes the source.
    """

    def finalize_options(self) -> None:
        super().finalize_options()
        self.exclude_source_files = True  # by which setuptools calls the following, and removes nothing of itself

    def zap_pyfiles(self) -> None:
        for compiled in Path(self.bdist_dir).rglob("__pycache__/*.pyc"):
            compiled.rename(compiled.parents[1] / f"{compiled.name.partition('.')[0]}.pyc")


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


setup(distclass=ScrapydDistribution, cmdclass={"bdist_egg": CompiledEgg, "build_py": BuildWithDocuments})
