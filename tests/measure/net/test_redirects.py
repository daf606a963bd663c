"""Where redirects lead, and when they are no longer followed."""

from __future__ import annotations

import pytest

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.net.redirects import follow_redirect, read_target

START = "https://rr1.example:444/videoplayback?sig=a"


@pytest.mark.parametrize(
    ("location", "host", "port"),
    [
        ("https://rr2.example/videoplayback?sig=a", "rr2.example", 443),
        ("http://rr2.example/x", "rr2.example", 80),
        ("//rr2.example:8443/x", "rr2.example", 8443),
        ("/other", "rr1.example", 444),
        ("  https://[::1]:9/x#part ", "::1", 9),
    ],
)
def test_redirect_leads_to_host_and_port(location: str, host: str, port: int) -> None:
    target = follow_redirect(START, location, [START], 8)
    assert (target.host, target.port) == (host, port)
    assert "#" not in target.url


@pytest.mark.parametrize("location", [None, "", "ftp://rr2.example/x", "http:///x", "http://[::1", "http://a:99999/"])
def test_redirect_without_usable_target_is_bad(location: str | None) -> None:
    with pytest.raises(MeasurementError, match="bad_redirect"):
        follow_redirect(START, location, [START], 8)


def test_redirect_to_the_same_url_is_a_loop() -> None:
    with pytest.raises(MeasurementError, match="redirect_loop"):
        follow_redirect(START, START, [START], 8)


def test_redirects_of_two_hosts_that_count_them_are_a_loop() -> None:
    hosts = ["rr1.example", "rr2.example"]
    chain = [f"https://{hosts[hop % 2]}/v?redirect_counter={hop}" for hop in range(5)]
    for hop in (1, 2, 3):
        assert follow_redirect(chain[hop - 1], chain[hop], chain[:hop], 8).url == chain[hop]
    with pytest.raises(MeasurementError, match="redirect_loop"):
        follow_redirect(chain[3], chain[4], chain[:4], 8)


def test_redirects_are_followed_up_to_the_limit() -> None:
    chain = [f"https://rr{hop}.example/v" for hop in range(4)]
    assert follow_redirect(chain[1], chain[2], chain[:2], 2).url == chain[2]
    with pytest.raises(MeasurementError, match="redirect_limit"):
        follow_redirect(chain[2], chain[3], chain[:3], 2)


def test_target_of_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="http"):
        read_target("file:///etc/passwd")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("\\v2", "https://rr1.example/v2"),
        ("..\\v2?a=\\b", "https://rr1.example/v2?a=\\b"),
        ("https:\\\\rr2.example\\v2", "https://rr2.example/v2"),
        ("\\\\rr2.example/v2", "https://rr2.example/v2"),
    ],
)
def test_backslashes_of_a_redirect_are_slashes_as_in_browsers(location: str, url: str) -> None:
    start = "https://rr1.example/d/v"
    assert follow_redirect(start, location, [start], 8).url == url
