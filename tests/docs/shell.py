"""A shell for the documents' commands, in a folder as a user has it: each command is `stand_in.py`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.docs.stand_in import ENTRIES, HAS_RUN, LAB_VIDEO, PROGRAMS, SERVER
from tests.docs.stand_in import ROOT as _ROOT
from tests.running.sharing import server_socket

ROOT = Path(_ROOT)


def make_shell(folder: Path, has_run: Path, *, measured: Path | None = None) -> dict[str, str]:
    """Lay out a folder as a checkout looks to a user. Returns the changes of the environment.

    `has_run` names the file of what documents have run; `measured` is a database of earlier measurements.
    """
    shims = folder / ".venv" / "bin"
    shims.mkdir(parents=True)
    stand_in = Path(__file__).with_name("stand_in.py")
    for name in (*ENTRIES, *PROGRAMS):
        shim = shims / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{stand_in}" {name} "$@"\n')
        shim.chmod(0o755)
    (folder / "pytomo").symlink_to(shims / "pytomo")  # the single file
    for name in ("scrapy.cfg", "examples", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "links.txt").write_text(f"# a list\nhttps://www.youtube.com/watch?v={LAB_VIDEO}\n")
    (folder / "results").mkdir()
    if measured is not None:
        # Documents about what was measured do not begin with a crawl.
        (folder / "databases").mkdir()
        shutil.copy(measured, folder / "databases" / "pytomo.db")
    shutil.copy(ROOT / "tests" / "exchange" / "pytomo_3_0_4.db", folder / "results" / "old.db")
    return {
        "PATH": f"{shims}:/usr/bin:/bin", "PYTHONUNBUFFERED": "1", SERVER: server_socket(), HAS_RUN: str(has_run)
    }  # fmt: skip
