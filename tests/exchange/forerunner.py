"""Databases written by Pytomo 3.0.4 itself, whose code runs on Python 2 only.

`pytomo_3_0_4.db` beside this file is one that `write_database` made; so every machine imports a real one, and where a
Python 2.7 is, a test writes it anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

KEPT = Path(__file__).with_name("pytomo_3_0_4.db")
TABLE = "pytomo_crawl_20110506"
ROW_COUNT = 52
_RELEASE = "Pytomo==3.0.4"

# Rows as its start_pytomo.format_stats forms them: played ones, one of a video that was refused, one of whole seconds.
_PROGRAM = """
# -*- coding: utf-8 -*-
import datetime, logging, sys
sys.path.insert(0, sys.argv[1])
from pytomo import config_pytomo
config_pytomo.LOG = logging.getLogger('p'); config_pytomo.LOG.addHandler(logging.NullHandler())
from pytomo import lib_database
db = lib_database.PytomoDatabase(sys.argv[2])
db.create_pytomo_table(sys.argv[3])
def played(at, number):
    return (at, 'Youtube', u'http://www.youtube.com/watch?v=%011d' % number, u'http://v15.lscache3.c.youtube.com', 0.25,
        '173.194.20.56', u'caf\\xe9_default_10.193.225.12', 0.02, 15169, 8.5, 9.5, 10.5, 8.9944229125976562, 'mp4', 225,
        115012833.0, 511168.14666666667, 9575411, number % 3, 1024, 100, 0.99954795837402344, 7.9875903129577637, 40,
        11.722306421319782, 0.1, 1192528.8804511931, None, 200)
for number in range(50):
    db.insert_record(played(datetime.datetime(2011, 5, 6, 15, 30, 50, 1000 * number + 1), number))
db.insert_record(played(datetime.datetime(2011, 5, 6, 16, 0, 0), 50))
db.insert_record((datetime.datetime(2011, 5, 6, 16, 0, 1, 5), 'Youtube', 'http://www.youtube.com/watch?v=refused',
    'http://v15.lscache3.c.youtube.com', 0.25, '173.194.20.56', 'google_public_dns_8.8.8.8', 0.02, 15169)
    + (None,) * 18 + ('http://r1.test/videoplayback?ip=192.0.2.1', 403))
db.close_handle()
"""


def find_python2() -> Path | None:
    """Return a Python 2.7 that runs. None where this machine has none."""
    on_path = shutil.which("python2.7")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    # A shim of pyenv is on PATH also where no 2.7 is chosen, and then only complains.
    candidates = [*([Path(on_path)] if on_path else []), *sorted(pyenv.glob("2.7*/bin/python2.7"))]
    for path in candidates:
        done = _run([path, "-c", "import sqlite3"])
        if done.returncode == 0:
            return path
    return None


def fetch_package(python: Path, folder: Path) -> Path | None:
    """Fetch the release with that Python's pip. Returns the folder that holds `pytomo`; None where PyPI is away."""
    command = [python, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", folder, _RELEASE]
    done = _run(command)
    archive = next(iter(folder.glob("[Pp]ytomo-*.tar.gz")), None)
    if done.returncode != 0 or archive is None:
        return None
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return next(folder.glob("[Pp]ytomo-*/pytomo")).parent


def write_database(python: Path, package: Path, path: Path) -> None:
    """Let the forerunner's own code write a database."""
    done = _run([python, "-c", _PROGRAM, package, path, TABLE])
    assert done.returncode == 0, done.stderr


def _run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run it without what the tests give to the Pythons that they start, which is for ours."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
