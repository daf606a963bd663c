"""Cache host names deciphered: the forerunner's own examples, and names that are none."""

from __future__ import annotations

import pytest

from pytomo_scrapy.measure.net.cache_site import CacheSite, read_cache_site


@pytest.mark.parametrize(
    ("host", "name", "airport"),
    [
        # Source: the doctest of Pytomo 3.0.4, translation_cache_url.py.
        ("o-o---preferred---sn-25g7rn7k---v18---lscache1.c.youtube.com", "par08s07", "par"),
        ("o-o---preferred---sn-vg5obx-hgnl---v16---lscache6.c.youtube.com", "orange-mrs2", "mrs"),
        ("r10---sn-25g7rn7l.c.youtube.com", "par08s02", "par"),
        ("r6---sn-5up-u0ol.c.youtube.com", "ati-tun2", "tun"),
        ("r1---sn-gxo5uxg-jqbe.googlevideo.com", "renater-cdg1", "cdg"),
        # 4g5lznez: 4>f g>r 5>a l>2 z>4 n>s e>1 z>4
        ("rr4---sn-4g5lznez.googlevideo.com", "fra24s14", "fra"),
        ("RR4---SN-4G5LZNEZ.GOOGLEVIDEO.COM", "fra24s14", "fra"),
    ],
)
def test_known_cipher_gives_site_and_airport(host: str, name: str, airport: str) -> None:
    assert read_cache_site(host) == CacheSite(name, airport)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "r3---orange-mrs2.c.youtube.com",  # never enciphered
        "rr1---sn-a.googlevideo.com",
        "rr1---sn-zzzzzzzz.googlevideo.com",  # 44444444: no site
        "rr4---sn-4g5lznez.googlevideo.com.example.org",
        "rr4---sn-4g5lznez.example.org",
        "manifest.googlevideo.com",
        "proxy-012.dc3.dailymotion.com",
        "192.0.2.1",
    ],
)
def test_other_names_are_not_deciphered(host: str | None) -> None:
    assert read_cache_site(host) is None
