"""Imported by every Python process that the lab's environment reaches, as it starts."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _keep_to_loopback() -> None:
    """Close this process, by a file: the package itself may be meant to come from elsewhere, as from an egg."""
    spec = spec_from_file_location("_loopback_only", Path(__file__).parents[1] / "loopback_only.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.keep_to_loopback()


def _run_the_one_behind() -> None:
    """Run the `sitecustomize` that this one hides, where there is one: of the system, or of a coverage tool."""
    here = Path(__file__).parent
    rest = [place for place in sys.path if Path(place or ".").absolute() != here]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


# Under its full name it is only looked at.
if __name__ == "sitecustomize":
    _keep_to_loopback()
    _run_the_one_behind()
