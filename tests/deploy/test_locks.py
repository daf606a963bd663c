"""The lock files: every requirement is in them, at a version that it allows, with the hashes of its files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "packaging" / "locks"
EXTRAS = {"image": ("postgres",), "executable": ("postgres", "executable")}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)( ; .*)? \\$")


def pins(lock: str) -> dict[str, list[str]]:
    """Return the versions of each package; several where they depend on the machine."""
    found: dict[str, list[str]] = {}
    for line in (LOCKS / f"{lock}.txt").read_text(encoding="utf-8").splitlines():
        if pin := _PIN.match(line):
            found.setdefault(canonicalize_name(pin[1]), []).append(pin[2])
    return found


def requirements(lock: str) -> list[Requirement]:
    """Return what the package asks for at run time and by the extras, and what builds it."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8") + (LOCKS / "build.in").read_text(encoding="utf-8")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    lines += [line for extra in EXTRAS[lock] for line in extras[extra]] + project["build-system"]["requires"]
    return [Requirement(line) for line in lines if line]


@pytest.mark.parametrize("lock", EXTRAS)
def test_lock_satisfies_every_requirement(lock: str) -> None:
    found = pins(lock)
    asked = requirements(lock)
    assert len(asked) > 20
    for requirement in asked:
        versions = found.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement} is not in the lock: make lock"
        for version in versions:
            assert requirement.specifier.contains(version, prereleases=True), (
                f"{requirement}, locked {version}: make lock"
            )


@pytest.mark.parametrize("lock", EXTRAS)
def test_every_line_of_a_lock_is_a_pin_with_hashes(lock: str) -> None:
    hashes_of: dict[str, int] = {}
    name = ""
    for line in (LOCKS / f"{lock}.txt").read_text(encoding="utf-8").splitlines():
        if pin := _PIN.match(line):
            name = pin[0]
            hashes_of[name] = 0
        elif line.strip().startswith("--hash="):
            assert re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?", line), line
            hashes_of[name] += 1
        else:  # no address of another index, no file of this machine
            assert line.lstrip().startswith("#"), line
    assert len(hashes_of) > 50 and min(hashes_of.values()) > 0


def test_locks_of_image_and_executable_agree() -> None:
    image, executable = pins("image"), pins("executable")
    assert {name: executable[name] for name in image} == image
    assert "pyinstaller" in executable and "pyinstaller" not in image


def test_release_is_built_from_the_lock() -> None:
    workflow = (ROOT / ".github" / "workflows" / "executables.yml").read_text(encoding="utf-8")
    assert "pip install --require-hashes -r packaging/locks/executable.txt" in workflow
    assert "--requirement packaging/locks/executable.txt" in (ROOT / "Makefile").read_text(encoding="utf-8")
