"""Faults of the name servers: what all of them answer for a host."""

from __future__ import annotations

from dns.rcode import Rcode

from pytomo_scrapy.lab.faults.kinds import DnsFault

ROWS = (
    DnsFault("dns_nxdomain", "the media host does not exist", "dns_nxdomain", Rcode.NXDOMAIN),
    DnsFault("dns_servfail", "the name server fails for the media host", "dns_servfail", Rcode.SERVFAIL),
    DnsFault("dns_silence", "no name server ever answers for the media host", "dns_timeout", None),
)
