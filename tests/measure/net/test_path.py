"""Which proxy, trust store and family a measurement takes."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.measure.net.path import bind_address, ca_file, family_of, proxy_for, wanted_family

PROXY = "http://127.0.0.1:3128"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_proxy_without_any_setting_is_none() -> None:
    assert proxy_for("https://www.youtube.com/watch", PathConfig()) is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://www.youtube.com/watch?v=1", PROXY),
        ("www.youtube.com", PROXY),
        ("www.youtube.com:443", PROXY),
        ("rr1---sn-lab.googlevideo.com", None),
        ("https://rr1---sn-lab.googlevideo.com:8443/videoplayback?x=1", None),
        ("http://www.youtube.com/", None),  # only https_proxy is set
        ("127.0.0.1", None),
        ("https://[::1]:8443/x", None),
        ("::1", None),
        ("2001:db8::1", PROXY),
    ],
)
def test_proxy_from_environment_follows_no_proxy_per_host(
    monkeypatch: pytest.MonkeyPatch, target: str, expected: str | None
) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", ".googlevideo.com,127.0.0.1,[::1]")
    assert proxy_for(target, PathConfig()) == expected


def test_proxy_setting_goes_for_every_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://elsewhere:1")
    monkeypatch.setenv("no_proxy", "*")
    assert proxy_for("rr1---sn-lab.googlevideo.com", PathConfig(proxy=PROXY)) == PROXY


@pytest.mark.parametrize(
    ("family", "target", "expected"),
    [
        ("6", "www.youtube.com", "http://[::1]:3129"),
        ("4", "www.youtube.com", PROXY),
        ("any", "www.youtube.com", PROXY),
        ("both", "www.youtube.com", PROXY),  # before a leg has its family
        ("6", "rr1---sn-lab.googlevideo.com", None),
    ],
)
def test_proxy_for_ipv6_takes_the_others_place_on_a_path_bound_to_it(
    monkeypatch: pytest.MonkeyPatch, family: str, target: str, expected: str | None
) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", ".googlevideo.com")
    assert proxy_for(target, PathConfig(family, proxy_ipv6="http://[::1]:3129")) == expected


def test_proxy_without_scheme_in_environment_becomes_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "127.0.0.1:3128")
    assert proxy_for("www.youtube.com", PathConfig()) == PROXY


def test_ca_file_prefers_ssl_cert_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert ca_file() == certifi.where()
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert ca_file() == str(bundle)


@pytest.mark.parametrize(
    ("address", "family"),
    [("192.0.2.1", 4), ("2001:db8::1", 6), ("[2001:db8::1]", 6), ("example.org", None), ("", None), (None, None)],
)
def test_family_of_address_is_its_version(address: str | None, family: int | None) -> None:
    assert family_of(address) == family


def test_wanted_family_comes_from_setting_then_source_address() -> None:
    assert wanted_family(PathConfig(family="6")) == 6
    assert wanted_family(PathConfig(source_address="192.0.2.1")) == 4
    assert wanted_family(PathConfig(family="both")) is None


@pytest.mark.parametrize(
    ("path", "proxy", "expected"),
    [
        (PathConfig(), None, None),
        (PathConfig(family="both"), None, None),
        (PathConfig(family="4"), None, "0.0.0.0"),
        (PathConfig(family="6"), None, "::"),
        (PathConfig(family="6"), "http://127.0.0.1:3128", None),
        (PathConfig(family="6"), "http://proxy.example:3128", "::"),
        (PathConfig(family="6", source_address="2001:db8::2"), None, "2001:db8::2"),
        (PathConfig(family="6"), "http://[::1]:3128", "::"),
        (PathConfig(source_address="192.0.2.2"), "http://[::1]:3128", "192.0.2.2"),
    ],
)
def test_bind_address_fixes_the_family_where_that_is_ours_to_fix(
    path: PathConfig, proxy: str | None, expected: str | None
) -> None:
    assert bind_address(path, proxy) == expected
