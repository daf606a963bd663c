"""The way to the service: proxy, trusted certificates, address family. Resolution and window must share it."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass
from urllib.request import proxy_bypass_environment as bypassed_by  # type: ignore[attr-defined]

import certifi

from pytomo_scrapy.config import PathConfig


def proxy_for(url_or_host: str, path: PathConfig) -> str | None:
    """Return the URL of the proxy that leads to `url_or_host`. None when it is reached directly.

    PYTOMO_HTTP_PROXY goes for every host. PYTOMO_HTTP_PROXY_IPV6 takes the place of any proxy on a path bound to IPv6.
    Without the first the environment decides per host, as for curl: `https_proxy` (or `http_proxy` for an http URL,
    `all_proxy` for both) unless `no_proxy` names the host. A bare host means https.
    """
    proxy = path.proxy or _environments_proxy(url_or_host)
    return path.proxy_ipv6 or proxy if proxy and wanted_family(path) == 6 else proxy


def _environments_proxy(url_or_host: str) -> str | None:
    scheme, host = _scheme_and_host(url_or_host)
    # Read once: it is asked for with each request of a window. The system's own settings count where it names none.
    named = getproxies_environment()
    proxies = named or getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or _is_bypassed(host, named, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def ca_file() -> str:
    """Return the file of trusted certificates: SSL_CERT_FILE where it is set and exists, else certifi's."""
    chosen = os.environ.get("SSL_CERT_FILE")
    return chosen if chosen and Path(chosen).is_file() else certifi.where()


def family_of(address: str | None) -> int | None:
    """Return 4 or 6. None when `address` is no IP address."""
    try:
        return ipaddress.ip_address((address or "").strip("[]")).version
    except ValueError:
        return None


def wanted_family(path: PathConfig) -> int | None:
    """Return the family that the path is bound to by its setting or its source address. None when either will do."""
    if path.family in {"4", "6"}:
        return int(path.family)
    return family_of(path.source_address)


def bind_address(path: PathConfig, proxy: str | None) -> str | None:
    """Return the local address to bind sockets to: it is what fixes the family. None when any will do.

    With a proxy at a literal address of the other family, the family cannot be had on our side of it: the proxy
    decides how it goes on, and only an explicit source address is kept.
    """
    if path.source_address:
        return path.source_address
    if path.family not in {"4", "6"}:
        return None
    family = int(path.family)
    if proxy and family_of(_scheme_and_host(proxy)[1]) not in {None, family}:
        return None
    return "0.0.0.0" if family == 4 else "::"


def _scheme_and_host(url_or_host: str) -> tuple[str, str]:
    if "://" in url_or_host:
        parts = urlsplit(url_or_host)
        return parts.scheme.lower(), parts.hostname or ""
    if family_of(url_or_host) is not None:
        return "https", url_or_host.strip("[]")
    return "https", urlsplit(f"//{url_or_host}").hostname or ""


def _is_bypassed(host: str, named: dict[str, str], no_proxy: str) -> bool:
    if ":" in host:
        # urllib takes the last group of an IPv6 address for a port.
        listed = {word.strip().strip("[]") for word in no_proxy.split(",")}
        return "*" in listed or host in listed
    return bool(bypassed_by(host, named) if named else proxy_bypass(host))
