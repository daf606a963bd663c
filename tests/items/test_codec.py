"""Results as plain JSON values and back, also across versions whose classes have other fields."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.items.codec import CodecError, from_plain, to_plain
from tests.storage.factories import make_failed, make_item


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    at_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    parts: tuple[Part, ...]
    pairs: tuple[tuple[float, int], ...] = ()
    by_name: Mapping[str, float] = field(default_factory=dict)
    at: datetime | None = None
    colour: Colour | None = None
    is_right: bool = False
    anything: Mapping[str, Any] | None = None
    choice: int | str | None = None


WHOLE = Whole(
    (Part("a", (0.1, 1 / 3)), Part("ü\ud800")),
    ((0.5, 3),),
    {"x": 1.5},
    datetime(2026, 5, 4, 10, 20, 30, 123456, tzinfo=UTC),
    Colour.RED,
    True,
    {"deep": [1, {"er": None}]},
    "seven",
)


def over_json(value: object) -> Any:
    return json.loads(json.dumps(to_plain(value)))


def test_nested_result_comes_back_as_it_was() -> None:
    assert from_plain(Whole, over_json(WHOLE)) == (WHOLE, ())


@pytest.mark.parametrize("item", [make_item(), make_failed(Stage.RESOLVE, "bot_check", "no")], ids=["whole", "failed"])
def test_measurement_comes_back_as_it_was(item: VideoItem) -> None:
    found, unknown = from_plain(VideoItem, over_json(item))
    assert unknown == ()
    # An item equals itself only; its fields are values.
    for name in (stage_field.name for stage_field in dataclasses.fields(VideoItem)):
        assert getattr(found, name) == getattr(item, name), name


def test_fields_of_a_later_version_are_named_and_left_out() -> None:
    plain = over_json(WHOLE) | {"mood": 3}
    plain["parts"][0]["weight_kg"] = plain["parts"][1]["weight_kg"] = 1.0
    assert from_plain(Whole, plain) == (WHOLE, ("Whole.mood", "Part.weight_kg"))


def test_fields_that_an_earlier_version_did_not_have_take_their_defaults() -> None:
    assert from_plain(Whole, {"parts": [{"name": "a"}]}) == (Whole((Part("a"),)), ())


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({}, "Whole.parts is missing"),
        ({"parts": [{}]}, "Part.name is missing"),
        ({"parts": 3}, "Whole.parts cannot be '3'"),
        ({"parts": [3]}, "Part cannot be '3'"),
        ({"parts": [{"name": 3}]}, "Part.name cannot be '3'"),
        ({"parts": [{"name": "a", "at_s": [True]}]}, "Part.at_s cannot be 'True'"),
        ({"parts": [], "pairs": [[1.0]]}, "Whole.pairs"),
        ({"parts": [], "by_name": []}, "Whole.by_name"),
        ({"parts": [], "at": "yesterday"}, "Whole.at"),
        ({"parts": [], "colour": "infrared"}, "Whole.colour"),
        ({"parts": [], "is_right": None}, "Whole.is_right"),
        ([], "Whole cannot be"),
    ],
)
def test_value_of_another_type_is_refused_with_its_field(plain: Any, words: str) -> None:
    with pytest.raises(CodecError, match=words):
        from_plain(Whole, plain)


def kinds_of(kind: Any) -> Iterator[Any]:
    """Yield every type that lies in a field of `kind`, however deep."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        for part in dataclasses.fields(kind):
            yield from kinds_of(hints[part.name])
    elif get_origin(kind) in (Union, types.UnionType, tuple) or get_origin(kind) is not None:
        for part in get_args(kind):
            yield from kinds_of(part)
    else:
        yield kind


def test_every_field_of_a_measurement_has_a_type_that_can_be_written() -> None:
    plain = {bool, int, float, str, datetime, types.NoneType, Any, Ellipsis}
    others = {kind for kind in kinds_of(VideoItem) if kind not in plain}
    assert [kind for kind in others if not (isinstance(kind, type) and issubclass(kind, Enum))] == []
    assert all(part.init for part in dataclasses.fields(VideoItem))


def test_value_without_a_plain_form_is_refused() -> None:
    with pytest.raises(CodecError, match="object has no plain form"):
        to_plain(object())
