"""`pytomo`: every command of the project under one name, from any folder, without scrapy.cfg.

Nothing heavy is imported before a command is chosen: each child process imports this module too.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from multiprocessing import freeze_support
from pathlib import Path
from typing import NoReturn

from pytomo_scrapy import __version__
from pytomo_scrapy.commands import EXIT_INTERRUPTED, refuse

_HELP = """\
usage: pytomo COMMAND [options]

Measures how well online videos would play on this line, and why.

commands:
{commands}

`pytomo COMMAND -h` explains a command. All take -s NAME=VALUE (docs/settings.md; the environment works as well),
-L LEVEL, and --database FILE or URL.

exit codes: 0 done, 2 wrong usage (one sentence says what is), 3 failed, 130 interrupted
"""


def main(argv: Sequence[str] | None = None, begin: Callable[[], None] | None = None) -> NoReturn:
    """Run one command and exit with its code. `begin` is called when it is about to run, after all imports."""
    freeze_support()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = run(words, begin)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`pytomo report | head`); nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    sys.exit(code)


def run(words: list[str], begin: Callable[[], None] | None = None) -> int:
    """Run the command that `words` name. Returns its exit code."""
    # Set before Scrapy looks for a scrapy.cfg: another project's, where we were started, is none of ours.
    os.environ["SCRAPY_SETTINGS_MODULE"] = "pytomo_scrapy.settings"
    # As the server of the page does, for reports and plans of studies.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _prefer_newer_yt_dlp()
    if words and words[0] in {"-V", "--version", "version"}:
        print(f"pytomo {__version__}")
        return 0
    from pytomo_scrapy.cli import scrapy_commands
    from pytomo_scrapy.items.near_words import did_you_mean

    if not words or words[0] in {"-h", "--help", "help"}:
        print(_HELP.format(commands=scrapy_commands.listing()), end="")
        return 0 if words else 2
    name, *rest = words
    if name not in scrapy_commands.names():
        known = scrapy_commands.names()
        meant = did_you_mean(name, known, otherwise=f"it must be one of {', '.join(known)}.")
        refuse(f"{name!r} is not a command: {meant}")
    return scrapy_commands.run_command(name, rest, begin)


def _prefer_newer_yt_dlp() -> None:
    """Take yt-dlp from the folder, wheel or zip that PYTOMO_YT_DLP names: it ages faster than a release of ours."""
    given = os.environ.get("PYTOMO_YT_DLP")
    if not given:
        return
    place = str(Path(given).absolute())
    if PathFinder.find_spec("yt_dlp", [place]) is None:
        refuse(f"PYTOMO_YT_DLP={given!r} is not usable: it must be a folder, wheel or zip that holds yt_dlp.")
    sys.path.insert(0, place)
