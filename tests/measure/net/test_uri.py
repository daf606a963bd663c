"""Addresses with letters beyond ASCII, as browsers send them; an address that needs nothing stays what it is."""

from __future__ import annotations

import pytest

from pytomo_scrapy.measure.net.redirects import follow_redirect, read_target
from pytomo_scrapy.measure.net.uri import as_uri


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("http://media.example/f\u00edlm.mp4?sig=a&t=\u00fc", "http://media.example/f%C3%ADlm.mp4?sig=a&t=%C3%BC"),
        ("http://media.example/my film.mp4", "http://media.example/my%20film.mp4"),
        ("http://media.example/\u52d5\u753b.mp4", "http://media.example/%E5%8B%95%E7%94%BB.mp4"),
        ("http://media.example/\U0001f3ac?q=\U0001f3ac", "http://media.example/%F0%9F%8E%AC?q=%F0%9F%8E%AC"),
        ("http://b\u00fccher.example:8080/a", "http://xn--bcher-kva.example:8080/a"),
        ("http://stra\u00dfe.example/", "http://xn--strae-oqa.example/"),
        ("http://\u2665.example/", "http://xn--g6h.example/"),  # no IDNA 2008, but browsers go there
        ("http://f%C3%ADlm.example/", "http://xn--flm-rma.example/"),
        ("http://\uff11\uff12\uff17.0.0.1/", "http://127.0.0.1/"),
        ("http://media\u3002example/", "http://media.example/"),
        ("http://[::1]:8/\u00e9", "http://[::1]:8/%C3%A9"),
        ("http://\u00fcser:p\u00e4ss@proxy.example:3128", "http://%C3%BCser:p%C3%A4ss@proxy.example:3128"),
        ("http://media.example/\udce9", "http://media.example/%E9"),  # a byte that was no UTF-8
        ("http://media.example/\ud800", "http://media.example/%EF%BF%BD"),
        (' http://media.example/a"b<c> ', "http://media.example/a%22b%3Cc%3E"),
    ],
)
def test_letters_are_encoded_as_browsers_do(url: str, uri: str) -> None:
    assert as_uri(url) == uri
    assert as_uri(uri) == uri


@pytest.mark.parametrize(
    "url",
    [
        "https://rr1---sn_a.example:444/videoplayback?sig=A%2fb%2F+~!*'()&lsparams=mh,mm&x=a|b{c}[d]^`\\",
        "https://media.example/a%",
        "https://media.example/a?",
        "https://MEDIA.example/%e9",
    ],
)
def test_address_of_ascii_is_never_changed(url: str) -> None:
    assert as_uri(url) == url


@pytest.mark.parametrize(
    "url", ["http://\u00e4" + "b" * 70 + ".example/", "http://a%2fb.example/", "http://\u2100.example/", "http://[::1/"]
)
def test_host_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        as_uri(url)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/f\u00edlm.mp4", "https://rr1.example/f%C3%ADlm.mp4"),
        ("//b\u00fccher.example/\u00e9?a=\u00e9", "https://xn--bcher-kva.example/%C3%A9?a=%C3%A9"),
        ("/caf\udce9.mp4", "https://rr1.example/caf%E9.mp4"),
    ],
)
def test_redirect_with_letters_is_followed(location: str, url: str) -> None:
    assert follow_redirect("https://rr1.example/a", location, ["https://rr1.example/a"], 8).url == url


def test_target_has_the_host_that_is_looked_up() -> None:
    target = read_target("https://B\u00dcCHER.example:444/x")
    assert (target.host, target.port) == ("xn--bcher-kva.example", 444)
