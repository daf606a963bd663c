"""The lab's certificates, judged by Python's ssl in strict mode and by the openssl program."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from pytomo_scrapy.lab.authority import Authority

HOST = "rr1---sn-25ge7nsk.googlevideo.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


def shake_hands(server: ssl.SSLContext, bundle: Path, host: str) -> ssl.SSLObject:
    """Do a handshake in memory with a strict client; return the client's side or raise what it raises."""
    trust = ssl.create_default_context(cafile=str(bundle))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = trust.wrap_bio(to_client, to_server, server_hostname=host)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            if side is server_side:
                return client_side
    raise AssertionError("the handshake did not end")


def test_certificate_of_any_host_is_trusted_in_strict_mode(authority: Authority) -> None:
    side = shake_hands(authority.server_context(HOST), authority.bundle_path, HOST)
    names = side.getpeercert()
    assert names is not None and names["subjectAltName"] == (("DNS", HOST),)


def test_server_context_of_one_host_is_made_once(authority: Authority) -> None:
    assert authority.server_context(HOST) is authority.server_context(HOST.upper())
    assert authority.server_context(HOST) is not authority.server_context("www.youtube.com")


@pytest.mark.parametrize(
    ("fault", "code"),
    # Source of the numbers: OpenSSL, x509_vfy.h.
    [("tls_expired", 10), ("tls_wrong_name", 62), ("tls_unknown_ca", 20)],
)
def test_certificate_with_fault_fails_by_exactly_that(authority: Authority, fault: str, code: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        shake_hands(authority.server_context(HOST, fault), authority.bundle_path, HOST)
    assert caught.value.verify_code == code


def test_certificate_with_unknown_fault_raises_value_error(authority: Authority) -> None:
    with pytest.raises(ValueError, match="http_403"):
        authority.certificate(HOST, "http_403")


def test_certificate_of_a_path_raises_value_error(authority: Authority) -> None:
    with pytest.raises(ValueError, match="host name"):
        authority.certificate("../../etc/passwd")


def test_sni_context_answers_with_the_name_that_the_client_gives(authority: Authority) -> None:
    context = authority.sni_context({"bad.googlevideo.com": "tls_expired"})
    for host in (HOST, "www.youtube.com"):
        assert shake_hands(context, authority.bundle_path, host).getpeercert() is not None
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(context, authority.bundle_path, "bad.googlevideo.com")


def test_server_context_speaks_http_1_1_over_alpn(authority: Authority) -> None:
    server = authority.server_context(HOST)
    trust = ssl.create_default_context(cafile=str(authority.bundle_path))
    trust.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(to_client, to_server, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        server.wrap_bio(to_server, to_client, server_side=True).do_handshake()
    client.do_handshake()
    assert client.selected_alpn_protocol() == "http/1.1"


@pytest.mark.process
def test_certificate_read_by_openssl_verifies_strictly(authority: Authority) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not installed")
    certificate, _ = authority.certificate(HOST)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", HOST]
    answer = subprocess.run(
        [*command, "-CAfile", str(authority.bundle_path), str(certificate)], capture_output=True, text=True, timeout=20
    )
    assert answer.returncode == 0, answer.stderr


def test_private_key_is_readable_by_its_owner_only(authority: Authority) -> None:
    _, key = authority.certificate(HOST)
    assert key.stat().st_mode & 0o077 == 0
