"""Imported by every Python process that the lab's environment reaches, as it starts."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

from pytomo_scrapy.lab.loopback_only import keep_to_loopback


def _run_the_one_behind() -> None:
    """Run the `sitecustomize` that this one hides, where there is one: of the system, or of a coverage tool."""
    here = Path(__file__).parent
    rest = [place for place in sys.path if Path(place or ".").absolute() != here]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


# Under its full name it is only looked at.
if __name__ == "sitecustomize":
    keep_to_loopback()
    _run_the_one_behind()
