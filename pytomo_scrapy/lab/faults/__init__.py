"""The lab's faults: a row each, in a module for the place where it acts. The rest of the lab reads these rows."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from pytomo_scrapy.lab.faults.kinds import (
    CertificateFault,
    CircularRedirect,
    DnsFault,
    Fault,
    HostFault,
    MediaFault,
    PageFault,
    PlayerApiFault,
    PlaylistFault,
    SegmentFault,
    UrlFault,
)

__all__ = [
    "FAULTS",
    "CertificateFault",
    "CircularRedirect",
    "DnsFault",
    "Fault",
    "HostFault",
    "MediaFault",
    "PageFault",
    "PlayerApiFault",
    "PlaylistFault",
    "SegmentFault",
    "UrlFault",
    "collect",
    "fault_at",
    "host_faults",
]

Kind = TypeVar("Kind", bound=Fault)

# From the first thing that a crawl asks for to the last.
_ORDER: tuple[type[Fault], ...] = (
    *(PlayerApiFault, UrlFault, PageFault),
    *(DnsFault, HostFault, CertificateFault, MediaFault, PlaylistFault),
)


def collect() -> dict[str, Fault]:
    """Return the rows of every module of this package (its `ROWS`) by name. Raises ValueError where two share one.

    The order decides which video of a world has which fault: by kind, then by the module's name, then as written.
    """
    names = sorted(found.name for found in iter_modules(__path__))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    rows: list[Fault] = [row for module in modules for row in getattr(module, "ROWS", ())]
    faults = {row.name: row for row in sorted(rows, key=_order_of)}
    if len(faults) < len(rows):
        raise ValueError("two faults of the lab share a name")
    return faults


def _order_of(fault: Fault) -> int:
    return next(position for position, kind in enumerate(_ORDER) if isinstance(fault, kind))


FAULTS: dict[str, Fault] = collect()


def fault_at(kind: type[Kind], name: str | None) -> Kind | None:
    """Return the fault called `name` if it is of this kind. None for a fault of another kind, and for no fault."""
    fault = FAULTS.get(name or "")
    return fault if isinstance(fault, kind) else None


def host_faults() -> list[Fault]:
    """Return the faults that belong to a media host of their own."""
    return [fault for fault in FAULTS.values() if fault.has_own_host]
