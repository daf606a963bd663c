"""Code that imports the package from a folder or a zip, in a process that is forked from the server of commands.

Such a process has imported what the package needs, on which a Python that starts anew spends a second, and forgets all
that is ours.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.running.commands import Finished, run_command

_OURS = ("docs", "pytomo_scrapy", "tests")


def run_elsewhere(place: Path, code: str, *words: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run code, whose `sys.argv[1:]` are the words, with the package that is in this place."""
    return run_command("tests.running.elsewhere", str(place), code, *words, environment=environment)


def take(*places: Path) -> None:
    """Import the package, its documents and its tests anew, and from these places if they are there."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[:0] = map(str, places)
    importlib.invalidate_caches()


if __name__ == "__main__":
    place, code = sys.argv[1:3]
    del sys.argv[1:3]
    take(Path(place))
    exec(compile(code, "code", "exec"), {"__name__": "__main__"})
