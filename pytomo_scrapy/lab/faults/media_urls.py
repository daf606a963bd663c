"""Faults of media URLs: the player API gives them in good order, and every media host refuses them with 403."""

from __future__ import annotations

from pytomo_scrapy.lab.faults.kinds import UrlFault

ROWS = (
    UrlFault("url_expired", "the media URLs expired a minute before they were given", "url_expired", expires_in_s=-60),
    # Reserved for documentation (RFC 5737): no client of the lab has it.
    UrlFault(
        "url_other_address",
        "the media URLs are made for another address",
        "exit_address_changed",
        client_address="192.0.2.1",
    ),
)
