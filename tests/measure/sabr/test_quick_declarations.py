"""Messages are declared as protobug does it, without the sources of their callers."""

from __future__ import annotations

import inspect
from types import ModuleType

import protobug
import pytest
from protobug import UInt32, _core

from pytomo_scrapy.measure.sabr.quick_declarations import use_quick_declarations


def declared() -> type:
    @protobug.message
    class Inner:
        number: UInt32 = protobug.field(1, default=0)

    @protobug.message
    class Outer:
        # A name that only this function has: it must be found in the caller's frame.
        inner: Inner | None = protobug.field(2, default=None)

    return Outer


@pytest.mark.parametrize("name", ["quick", "their own"])
def test_names_of_the_caller_are_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(_core, "inspect", inspect)
    if name == "quick":
        use_quick_declarations()
    read = protobug.loads(b"\x12\x02\x08\x07", declared())
    assert read.inner.number == 7


def test_no_source_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "inspect", inspect)
    monkeypatch.setattr(inspect, "getframeinfo", lambda *_: pytest.fail("the source of a caller was looked for"))
    use_quick_declarations()
    assert declared().__name__ == "Outer"
    quick: ModuleType = _core.inspect
    assert quick.signature is inspect.signature, "all else is as it was"
