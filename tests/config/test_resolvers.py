"""Every way to name a DNS resolver in PYTOMO_DNS_RESOLVERS."""

from __future__ import annotations

from pytomo_scrapy.config import load


def test_load_reads_every_form_of_resolver() -> None:
    loaded = load({"PYTOMO_DNS_RESOLVERS": "system,lab=127.0.0.1:5353,six=[2001:db8::1]:54,dot=tls://9.9.9.9#dns.quad9.net,"
                  "doh=https://dns.google/dns-query,seven=2001:db8::7"}.get)  # fmt: skip
    rows = [(r.name, r.transport, r.address, r.port, r.tls_name) for r in loaded.dns.resolvers]
    assert rows == [
        ("system", "system", "", 53, None),
        ("lab", "udp", "127.0.0.1", 5353, None),
        ("six", "udp", "2001:db8::1", 54, None),
        ("dot", "dot", "9.9.9.9", 853, "dns.quad9.net"),
        ("doh", "doh", "https://dns.google/dns-query", 443, None),
        ("seven", "udp", "2001:db8::7", 53, None),
    ]
