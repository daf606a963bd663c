"""Measure, from where it runs, how well online videos would play on this line, and why.

`import pytomo_scrapy as pytomo` is the face for notebooks and programs. What `__all__` names is promised: it stays, or
its end is announced by a DeprecationWarning one release before (docs/python.md). Everything below is internal. Types
stand in `__init__.pyi`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

__all__ = [
    "Measurement",
    "PlaybackResult",
    "PytomoError",
    "Results",
    "SettingError",
    "StorageError",
    "VideoItem",
    "__version__",
    "compare",
    "describe",
    "measure",
    "open",
    "read_blob",
    "simulate",
    "startup_quantiles",
]

# Imported when they are asked for: a command, a child process and a spider import this module too, and need none of it.
_PLACES: Mapping[str, tuple[str, str]] = {
    "compare": ("face.comparing", "compare"),
    "startup_quantiles": ("face.comparing", "startup_quantiles"),
    "Measurement": ("face.measuring", "Measurement"),
    "measure": ("face.measuring", "measure"),
    "Results": ("face.opened", "Results"),
    "open": ("face.opened", "open_results"),
    "simulate": ("face.simulating", "simulate"),
    "describe": ("face.unpacked", "describe"),
    "read_blob": ("face.unpacked", "read_blob"),
    "PytomoError": ("failures", "PytomoError"),
    "SettingError": ("failures", "SettingError"),
    "StorageError": ("failures", "StorageError"),
    "PlaybackResult": ("items", "PlaybackResult"),
    "VideoItem": ("items", "VideoItem"),
}
# Names that end: what to write instead, and the version that has them no more.
_DEPRECATED: Mapping[str, tuple[str, str]] = {}


def __getattr__(name: str) -> Any:
    if name in _DEPRECATED:
        from warnings import warn

        instead, version = _DEPRECATED[name]
        warn(f"pytomo_scrapy.{name} ends with {version}: use {instead}", DeprecationWarning, stacklevel=2)
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)


class _CallablePackage(ModuleType):
    """The package `measure`, which is also the function of that name."""

    def __call__(self, url: str, **settings: Any) -> Any:
        """Measure one video, as `face.measuring.measure` says."""
        return import_module(f"{__name__}.face.measuring").measure(url, **settings)


class _Package(ModuleType):
    """This package. The import of a package below sets an attribute here, which comes before `__getattr__`."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "measure" and isinstance(value, ModuleType):
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
