"""A copy of the package and its documents, in which a test may do what a contributor does."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def copy_to(folder: Path, *names: str, without: tuple[str, ...] = ()) -> Path:
    """Copy these files and folders of the repository, databases and pictures left out. Returns the folder.

    Bytecode goes along, which holds for a file until that is changed: a Python would compile all of the package else.
    """
    ignored = shutil.ignore_patterns("*.png", "*.db", "*-pytest-*.pyc", *without)
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file by its path below the folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
