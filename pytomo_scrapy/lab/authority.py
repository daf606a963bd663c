"""The lab's certificate authority, with the faults that a server's certificate may have."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pytomo_scrapy.lab.faults import CertificateFault, fault_at

_GOOD = CertificateFault("", "", "")
# Shown to a client that sends no server name.
_NAMELESS = "nameless.googlevideo.com"


class Authority:
    """Signs certificates for any host, in a folder of its own that holds `ca.pem`, the leaves and their key."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._root = _root_certificate(self._key, "Pytomo lab")
        self._other_key = ec.generate_private_key(ec.SECP256R1())
        self._other_root = _root_certificate(self._other_key, "Nobody knows me")
        # One key serves all hosts: making keys is what takes the time.
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: dict[tuple[str, str | None], ssl.SSLContext] = {}
        self.bundle_path = directory / "ca.pem"
        self.bundle_path.write_bytes(self._root.public_bytes(serialization.Encoding.PEM))
        self._key_path = directory / "leaf.key"
        self._key_path.touch(mode=0o600)
        self._key_path.write_bytes(
            self._leaf_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @classmethod
    def create(cls, directory: Path) -> Authority:
        """Make a new authority in `directory`."""
        return cls(directory)

    def certificate(self, host: str, fault: str | None = None) -> tuple[Path, Path]:
        """Return the files of the certificate of `host` and of its key, signed now if need be.

        Raises ValueError for a `fault` that is not a certificate's.
        """
        leaf_kind = _GOOD if fault is None else fault_at(CertificateFault, fault)
        if leaf_kind is None:
            raise ValueError(f"{fault!r} is not a fault of a certificate")
        # The name becomes a file's: no slash may lead out of the folder.
        if not host.replace(".", "").replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"{host!r} is not a host name")
        path = self._directory / f"{host}.{fault or 'good'}.pem"
        if not path.exists():
            path.write_bytes(self._leaf(host, leaf_kind).public_bytes(serialization.Encoding.PEM))
        return path, self._key_path

    def server_context(self, host: str, fault: str | None = None) -> ssl.SSLContext:
        """Return the server's side of TLS for `host`, the same object each time."""
        key = (host.lower(), fault)
        if key not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate(*key))
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[key] = context
        return self._contexts[key]

    def sni_context(self, faults: dict[str, str] | None = None) -> ssl.SSLContext:
        """Return a context that takes the certificate of whichever host the client names; `faults` by host name."""

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            if name is None:
                return None
            try:
                connection.context = self.server_context(name, (faults or {}).get(name.lower()))
            except ValueError:
                return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
            return None

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(_NAMELESS))
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = choose
        return context

    def any_name_context(self, host: str) -> ssl.SSLContext:
        """Return a context that takes any name, and the certificate of `host` for it.

        Connections whose client named the host itself have `server_context(host)` from then on.
        """

        def note(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name is not None and name.lower() == host.lower():
                connection.context = self.server_context(host)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(host))
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = note
        return context

    def _leaf(self, host: str, what: CertificateFault) -> x509.Certificate:
        root, key = (self._root, self._key) if what.is_issuer_known else (self._other_root, self._other_key)
        name = what.subject or host
        now = dt.datetime.now(dt.UTC)
        until = now + dt.timedelta(days=what.valid_for_days)
        builder = _builder(name, root.subject, self._leaf_key.public_key(), until - dt.timedelta(days=90), until)
        usage = _key_usage(digital_signature=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        return builder.add_extension(issuer, critical=False).sign(key, hashes.SHA256())


def _root_certificate(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start, until = now - dt.timedelta(days=365), now + dt.timedelta(days=365)
    builder = _builder(name, subject, key.public_key(), start, until)
    # OpenSSL's strict mode (Python 3.13's default) wants a critical basic constraint, key usage and both identifiers.
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(digital_signature=False), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.add_extension(issuer, critical=False).sign(key, hashes.SHA256())


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: dt.datetime, until: dt.datetime
) -> x509.CertificateBuilder:
    # A common name holds 64 characters at most; the alternative name is the one that counts.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(until)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _key_usage(*, digital_signature: bool) -> x509.KeyUsage:
    """Return the usage of a leaf, which signs handshakes, or of a root, which signs certificates."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not digital_signature,
        crl_sign=not digital_signature,
        encipher_only=False,
        decipher_only=False,
    )
