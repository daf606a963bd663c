"""Which addresses no media are fetched from, in every form that an address can have."""

from __future__ import annotations

import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.measure.net.private_addresses import is_private, is_refused


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.42.3.4", "169.254.169.254", "172.31.255.255"),
        *("192.168.0.1", "224.0.0.251", "255.255.255.255"),
        *("::", "::1", "[::1]", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "fec0::1"),
        # The same IPv4 addresses inside IPv6 ones: mapped, compatible, NAT64 with both prefixes, 6to4.
        *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::192.168.0.1"),
        "2002:7f00:1::",
    ],
)
def test_private_address_is_refused_unless_it_is_allowed(address):
    assert is_private(address)
    assert is_refused(address, PathConfig())
    assert not is_refused(address, PathConfig(is_private_allowed=True))


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.2.1", "223.255.255.255"),
        *("2001:4860:4860::8888", "2001:db8::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
        *("", "host.example"),
    ],
)
def test_public_address_and_what_is_none_are_not_private(address):
    assert not is_private(address)
