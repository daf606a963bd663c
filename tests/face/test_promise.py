"""What `import pytomo_scrapy as pytomo` promises: names, their types, and a light import."""

from __future__ import annotations

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import pytomo_scrapy as pytomo

STUB = Path(pytomo.__file__).with_suffix(".pyi")


def test_every_promised_name_is_there_typed_and_listed_in_the_document() -> None:
    stub = ast.parse(STUB.read_text())
    typed = {name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert typed | {"__version__"} == set(pytomo.__all__) <= set(dir(pytomo))
    document = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text()
    for name in pytomo.__all__:
        assert getattr(pytomo, name) is not None
        assert f"`{name}" in document or f"pytomo.{name}" in document, name


def test_types_are_those_of_the_objects() -> None:
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                module = sys.modules.get(str(node.module)) or __import__(str(node.module), fromlist=["x"])
                given = getattr(pytomo, str(name.asname))
                # Once it is imported, the package of the measuring core has this name: it can be called.
                assert given is getattr(module, name.name) or (name.name == "measure" and callable(given))


def test_package_of_the_core_and_the_function_of_its_name_are_one() -> None:
    import pytomo_scrapy.measure.session

    with pytest.raises(pytomo.SettingError, match="PYTOMO_NONE is no setting"):
        pytomo.measure("https://youtu.be/abcdefghijk", none=1)
    assert pytomo_scrapy.measure.session.Session is not None  # type: ignore[attr-defined]


def test_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        pytomo.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_name_that_ends_still_works_and_says_what_to_write_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytomo, "_DEPRECATED", {"simulate": ("pytomo_scrapy.play", "2.0")})
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert pytomo.__getattr__("simulate")  # type: ignore[attr-defined]
    assert [str(one.message) for one in said] == ["pytomo_scrapy.simulate ends with 2.0: use pytomo_scrapy.play"]
    assert said[0].category is DeprecationWarning


@pytest.mark.process
def test_import_loads_nothing_of_the_package_but_itself() -> None:
    code = "import sys; import pytomo_scrapy; print(sorted(n for n in sys.modules if n.startswith('pytomo_scrapy')))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['pytomo_scrapy']"
