"""Resolutions of a process share a TLS context, until the certificates that are trusted are others."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import certifi
import pytest
from yt_dlp.networking import common

from pytomo_scrapy.measure.net import trust
from pytomo_scrapy.measure.resolve import shared_trust


@pytest.fixture(autouse=True)
def no_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    shared_trust.use_shared_contexts()
    monkeypatch.setattr(trust, "_contexts", {})
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


def make(*, verify: bool = True, use_certifi: bool = True) -> ssl.SSLContext:
    made: ssl.SSLContext = common.make_ssl_context(verify=verify, legacy_support=False, use_certifi=use_certifi)
    return made


def test_context_is_that_of_the_video_before_and_checks_certificates() -> None:
    shared_trust.use_shared_contexts()
    context = make()
    assert make() is context
    assert context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED and context.get_ca_certs()


def test_other_options_are_another_context() -> None:
    strict, careless = make(), make(verify=False)
    assert careless is not strict and careless.verify_mode == ssl.CERT_NONE and strict.verify_mode == ssl.CERT_REQUIRED


def test_other_certificates_are_another_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make(use_certifi=False)
    trusted = tmp_path / "ca.pem"
    shutil.copy(certifi.where(), trusted)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    second = make(use_certifi=False)
    assert second is not first
    one = trusted.read_text().partition("-----END CERTIFICATE-----\n")
    trusted.write_text(one[0] + one[1])
    third = make(use_certifi=False)
    assert third is not second and len(third.get_ca_certs()) == 1


def test_contexts_that_are_kept_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere/{number}")
        make()
    assert 1 <= len(trust._contexts) <= 8
