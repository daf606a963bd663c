"""Meanings beside the fields, and results as flat values and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytomo_scrapy.items import DownloadResult, Throughput
from pytomo_scrapy.items.stored import About, Leaf, about, flat, from_flat, leaves_of, part, stored


@dataclass(frozen=True, slots=True)
class Queue:
    """A part."""

    depth_bytes: int | None = stored(None, "bytes that wait", null="not seen")
    samples: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """A result with two parts of one class."""

    host: str = field(metadata=about("asked"))
    method: str | None = stored(None, "how", column="probe_method")
    near: Queue = part(Queue(), "near_")
    far: Queue = part(Queue(), "far_", depth_bytes="bytes that wait far away")


def test_leaves_have_the_names_of_their_columns_and_their_meaning() -> None:
    assert list(leaves_of(Probe, "p_")) == [
        Leaf("p_host", "host", "str", About("asked")),
        Leaf("probe_method", "method", "str | None", About("how", column="probe_method")),
        Leaf("p_near_depth_bytes", "near.depth_bytes", "int | None", About("bytes that wait", "not seen")),
        Leaf("p_near_samples", "near.samples", "tuple[float, ...]", None),
        Leaf("p_far_depth_bytes", "far.depth_bytes", "int | None", About("bytes that wait far away", "not seen")),
        Leaf("p_far_samples", "far.samples", "tuple[float, ...]", None),
    ]


def test_flat_values_give_the_same_result_again() -> None:
    probe = Probe("a.example", "icmp", far=Queue(7, (0.1,)))
    assert flat(probe)["far_depth_bytes"] == 7
    assert from_flat(Probe, flat(probe)) == probe


def test_missing_values_have_their_defaults() -> None:
    assert from_flat(Probe, {"host": "a.example", "unknown": 1}) == Probe("a.example")


def test_a_window_that_was_not_opened_has_no_figure() -> None:
    assert DownloadResult().throughput == Throughput()
