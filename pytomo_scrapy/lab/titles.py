"""Titles of the lab's videos: plain ones, and the hostile ones that a page or report must survive."""

from __future__ import annotations

from random import Random

_SUBJECTS = (
    "River crossing",
    "Night train",
    "Garden tour",
    "Bridge building",
    "Kitchen lesson",
    "Street concert",
    "Map reading",
)
_KINDS = (
    "part {n}",
    "full match {n}",
    "official video {n}",
    "explained in {n} minutes",
    "live session {n}",
    "episode {n}",
)

HOSTILE: tuple[str, ...] = (
    "<script>alert('title')</script>",
    "</script><script>alert(1)</script><!--",
    "\"double\" and 'single' quotes, back\\slash",
    "{{ 7 * 7 }} {% raw %} ${7*7} %s %d",
    "Robert'); DROP TABLE video;--",
    '=HYPERLINK("http://example.invalid","sum")',
    "emoji 👩‍👩‍👧‍👦 🏳️‍🌈 and a lone surrogate's neighbour 𝕏",
    "مرحبا بالعالم עברית\u202e right to left\u202c",
    "line one\nline two\ttabbed\r\nline three",
    "control \u0001\u0007\u001b[31mred\u001b[0m and \u2028 separator",
    "ﷺ combining Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤a̵̢̢̡l̛g̸o",
    "ten kilobytes " + "0123456789abcdef" * 639,
    "  spaces around  ",
    "a&amp;b <b>bold</b> &lt;not&gt;",
    "-rf --help",
)


def title_of(number: int, random: Random) -> str:
    """Return the title of the `number`th video: about one in ten is hostile, each hostile one in turn."""
    if number % 10 == 3:
        return HOSTILE[number // 10 % len(HOSTILE)]
    return f"{random.choice(_SUBJECTS)}, {random.choice(_KINDS).format(n=number)}"
