"""The import rule of docs/design/layout.md: imports point down only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pytomo_scrapy"
BASE = {"items", "items_window", "failures", "config", "setting_values", "spawning"}
CORE = {"pages", "measure", "storage"}
ALLOWED = {
    "items": {"failures", "items_window"},
    "items_window": set(),
    "failures": set(),
    "config": {"failures", "setting_values"},
    "setting_values": set(),
    "spawning": set(),
    "pages": BASE,
    "measure": BASE,
    "storage": BASE,
    "lab": {"spawning"},
    "settings": {"config"},
}
CORE_MAY_NOT_IMPORT = {"scrapy", "twisted", "sqlalchemy"}


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_parts(path: Path) -> set[str]:
    parts = {name.split(".")[1] for name in imports(path) if name.startswith("pytomo_scrapy.")}
    return {part for part in parts if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file()}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_lies_below(path: Path) -> None:
    part = part_of(path)
    upper = {part_of(one) for one in FILES} - BASE - CORE - {"lab"}
    allowed = ALLOWED.get(part, BASE | CORE | upper) | {part}
    if (path.name == "lab.py" and part == "commands") or part == "cli":
        allowed = allowed | {"lab"}
    assert own_parts(path) <= allowed


@pytest.mark.parametrize(
    "path", [path for path in FILES if part_of(path) in {"measure", "pages"}], ids=lambda path: path.name
)
def test_core_module_knows_no_framework(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & CORE_MAY_NOT_IMPORT


def test_rule_sees_an_import_that_points_up(tmp_path: Path) -> None:
    offender = tmp_path / "offender.py"
    offender.write_text("from pytomo_scrapy.storage import schema\nimport scrapy.http\n")
    assert own_parts(offender) == {"storage"}
    assert "scrapy.http" in imports(offender)
