"""Faults of a media host before any byte is exchanged with it: its port, its certificate."""

from __future__ import annotations

from pytomo_scrapy.lab.faults.kinds import CertificateFault, HostFault

ROWS = (
    HostFault("refused", "nothing listens on the media host's port", "connect_refused"),
    CertificateFault("tls_expired", "the media host's certificate has expired", "tls_expired", valid_for_days=-2),
    CertificateFault(
        "tls_wrong_name",
        "the media host's certificate is for another name",
        "tls_wrong_name",
        subject="somebody-else.example",
    ),
    CertificateFault(
        "tls_unknown_ca",
        "the media host's certificate has an unknown issuer",
        "tls_unknown_ca",
        is_issuer_known=False,
    ),
)
