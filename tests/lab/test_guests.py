"""The lab's guest identities: their shape, and draws that follow from the seed and the order alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from pytomo_scrapy.lab.guests import BLOCK, Guest, Guests, make_visitor_data, read_visitor_name
from pytomo_scrapy.lab.model import GuestRules
from tests.lab.conftest import make_stream

RULES = GuestRules(gated_share=0.65, bot_check_share=0.4, captcha_share=0.2)


def meet(count: int, rules: GuestRules = RULES, seed: int = 0) -> list[Guest]:
    guests = Guests(rules, seed, clock=lambda: 1_780_000_000.9)
    return [guests.meet(guests.greet(None)) for _ in range(count)]


def test_identity_has_the_shape_of_the_recorded_one(shared: Path) -> None:
    recorded = json.loads((shared / "recordings/visitor_id.json").read_text())["responseContext"]["visitorData"]
    ours = make_visitor_data("ZHfR0LDnXy8", now_s=1_780_867_523)
    assert len(ours) == len(recorded)
    assert read_visitor_name(recorded) == read_visitor_name(ours) == "ZHfR0LDnXy8"
    messages = [base64.urlsafe_b64decode(unquote(text)) for text in (ours, recorded)]
    # Name, time and country, then the opaque part behind its "19.YT=".
    assert messages[0][:70] == messages[1][:70]


@pytest.mark.parametrize("foreign", ["CgtabcXYZ", "not base64!", "", "Cg%3D%3D"])
def test_foreign_identity_is_its_own_name(foreign: str) -> None:
    assert read_visitor_name(foreign) == foreign


def test_request_without_identity_gets_a_new_one_each_time() -> None:
    guests = Guests()
    assert len({guests.greet(None) for _ in range(50)}) == 50


def test_identity_that_is_sent_is_kept_and_drawn_once() -> None:
    guests = Guests(RULES)
    first = guests.greet(None)
    assert guests.greet(first) == first
    assert guests.meet(first) is guests.meet(first)
    assert [guests.meet(first).number, guests.meet(guests.greet(None)).number] == [0, 1]


def test_cookie_names_the_same_guest_as_its_identity() -> None:
    guests = Guests(RULES)
    first = guests.greet(None)
    assert guests.meet(guests.greet(None, cookie=read_visitor_name(first))) is guests.meet(first)


def test_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    assert meet(60, seed=3) == meet(60, seed=3)
    assert [guest.is_gated for guest in meet(60, seed=3)] != [guest.is_gated for guest in meet(60, seed=4)]


def test_draws_do_not_depend_on_identities_that_only_look_at_pages() -> None:
    guests = Guests(RULES)
    drawn = []
    for _ in range(60):
        guests.greet(None)
        drawn.append(guests.meet(guests.greet(None)))
    assert [(guest.is_gated, guest.is_bot_checked) for guest in drawn] == [
        (guest.is_gated, guest.is_bot_checked) for guest in meet(60)
    ]


# 0.65 x 20 = 13, 0.64 x 20 = 12.8, 0.6 x 20 = 12.
SHARES = [(0.0, 0), (0.4, 8), (0.65, 13), (0.64, 13), (0.6, 12), (1.0, 20)]


def counts(flags: list[bool]) -> set[int]:
    """Return how many are set in each whole block of twenty."""
    assert BLOCK == 20 and len(flags) >= 3 * BLOCK
    return {sum(flags[start : start + BLOCK]) for start in range(0, len(flags) - BLOCK + 1, BLOCK)}


@pytest.mark.parametrize(("share", "count"), SHARES)
@pytest.mark.parametrize("seed", range(3))
def test_share_is_exact_in_every_block_of_twenty(seed: int, share: float, count: int) -> None:
    assert counts([guest.is_gated for guest in meet(60, GuestRules(gated_share=share), seed)]) == {count}
    assert counts([guest.is_bot_checked for guest in meet(60, GuestRules(bot_check_share=share), seed)]) == {count}


@pytest.mark.parametrize("seed", range(3))
def test_gate_is_drawn_among_who_plays_and_captcha_among_bot_checks(seed: int) -> None:
    drawn = meet(200, seed=seed)
    assert counts([guest.is_bot_checked for guest in drawn]) == {8}
    assert counts([guest.is_gated for guest in drawn if not guest.is_bot_checked]) == {13}
    assert counts([guest.is_captcha for guest in drawn if guest.is_bot_checked]) == {4}
    assert not any(guest.is_gated and guest.is_bot_checked for guest in drawn)
    assert not any(guest.is_captcha and not guest.is_bot_checked for guest in drawn)


# A file of 100 000 bytes and 20 s: 5 000 bytes each second.
@pytest.mark.parametrize(
    ("gate_bytes", "gate_media_s", "allowance"),
    [(30_000, None, 30_000), (None, 8.0, 40_000), (30_000, 8.0, 30_000), (50_000, 8.0, 40_000), (None, None, None)],
)
def test_gate_is_where_the_first_limit_is(
    gate_bytes: int | None, gate_media_s: float | None, allowance: int | None
) -> None:
    rules = GuestRules(gated_share=1.0, gate_bytes=gate_bytes, gate_media_s=gate_media_s)
    guests = Guests(rules)
    guest = guests.meet(guests.greet(None))
    assert guests.allowance_bytes(guest.mark, make_stream("video", 134)) == allowance


def test_clean_guest_and_unknown_mark_have_no_limit() -> None:
    guests = Guests(GuestRules(gated_share=0.0))
    guest = guests.meet(guests.greet(None))
    assert guests.allowance_bytes(guest.mark, make_stream("video", 134)) is None
    assert guests.allowance_bytes("", make_stream("video", 134)) is None
