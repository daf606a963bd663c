from __future__ import annotations

import pytest

from pytomo_scrapy.measure.comparing.certificate_names import covers

CERTIFICATE = {"subjectAltName": (("DNS", "*.media.example"), ("DNS", "Other.example"), ("IP Address", "192.0.2.1"))}


@pytest.mark.parametrize(
    ("host", "is_covered"),
    [
        ("rr1.media.example", True),
        ("RR1.Media.Example.", True),
        ("other.example", True),
        ("192.0.2.1", True),
        ("a.rr1.media.example", False),  # the star is one label
        ("media.example", False),
        (".media.example", False),
        ("rr1.media.example.org", False),
        ("192.0.2.2", False),
        ("", False),
    ],
)
def test_certificate_is_for_the_hosts_that_it_names(host: str, is_covered: bool) -> None:
    assert covers(CERTIFICATE, host) is is_covered


@pytest.mark.parametrize("name", ["*.example", "rr*.media.example", "rr1.*.example", "*", ""])
def test_star_stands_for_a_whole_label_of_a_name_with_three(name: str) -> None:
    assert not covers({"subjectAltName": (("DNS", name),)}, "rr1.media.example")
    assert not covers({"subjectAltName": (("DNS", name),)}, "media.example")


def test_certificate_without_alternative_names_is_for_nobody() -> None:
    assert not covers({"subject": ((("commonName", "a.example"),),)}, "a.example")
