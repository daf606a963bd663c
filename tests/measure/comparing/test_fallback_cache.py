from __future__ import annotations

import pytest

from pytomo_scrapy.measure.comparing.fallback_cache import fallback_url

HOST = "rr5---sn-one.googlevideo.com"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # The number is that of `fvip`, else the first cache's; nothing else of the address changes.
        (
            f"https://{HOST}/videoplayback?mn=sn-one%2Csn-two-x&fvip=3&sig=A%3D",
            "https://rr3---sn-two-x.googlevideo.com/videoplayback?mn=sn-one%2Csn-two-x&fvip=3&sig=A%3D",
        ),
        (
            f"https://{HOST}:8443/videoplayback?mn=sn-one,sn-two&sig=A",
            "https://rr5---sn-two.googlevideo.com:8443/videoplayback?mn=sn-one,sn-two&sig=A",
        ),
        (f"https://{HOST}/videoplayback?mn=sn-one&fvip=3", None),
        (f"https://{HOST}/videoplayback?mn=sn-one,sn-one&fvip=3", None),
        (f"https://{HOST}/videoplayback?mn=sn-one,evil.example%2F&fvip=3", None),
        (f"https://{HOST}/videoplayback?fvip=3", None),
        (f"https://{HOST}/videoplayback?mn=sn-one,sn-two&fvip=3&sabr=1", None),
        (f"https://{HOST}/other?mn=sn-one,sn-two", None),
        ("https://media.example/videoplayback?mn=sn-one,sn-two", None),
    ],
)
def test_second_cache_of_the_url_has_the_same_media(url: str, expected: str | None) -> None:
    assert fallback_url(url) == expected
