"""A copy of the package and its documents, in which a test may do what a contributor does."""

from __future__ import annotations

import shutil
import zipfile
from importlib.util import cache_from_source
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


def zip_package(archive: Path) -> Path:
    """Write the package to a zip, as an egg holds it: beside each module its bytecode, where there is any."""
    package = ROOT / "pytomo_scrapy"
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted(package.rglob("*")):
            if not path.is_file() or "__pycache__" in path.parts:
                continue
            name = path.relative_to(ROOT)
            zipped.write(path, name)
            if path.suffix == ".py" and (compiled := Path(cache_from_source(str(path)))).exists():
                zipped.write(compiled, name.with_suffix(".pyc"))
    return archive


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file by its path below the folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
