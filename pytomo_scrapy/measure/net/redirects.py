"""Where a redirect leads, and when to stop following."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.net.uri import as_uri

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
DEFAULT_PORTS = {"http": 80, "https": 443}
# Caches count their redirects in the query, so no URL of a loop comes twice, but its host and path do.
MAX_VISITS = 2


@dataclass(frozen=True, slots=True)
class Target:
    """An address that a request goes to. The URL may be signed: it stays out of rows and logs."""

    url: str
    scheme: str
    host: str
    port: int


def read_target(url: str) -> Target:
    """Split an absolute http or https URL, in ASCII from here on. Raises ValueError for anything else."""
    url = as_uri(url)
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an http or https URL with a host")
    return Target(url, scheme, parts.hostname, parts.port or DEFAULT_PORTS[scheme])


def follow_redirect(url: str, location: str | None, seen: Collection[str], max_redirects: int) -> Target:
    """Return where `location`, in an answer to `url`, leads. `seen` are the URLs of this chain, `url` among them.

    Raises MeasurementError "bad_redirect" without a usable target, "redirect_loop" back to a URL of the chain (or to
    its host and path for the second time, with any query), and "redirect_limit" after `max_redirects` hops.
    """
    if not location:
        raise MeasurementError("bad_redirect", "no Location header")
    try:
        target = read_target(urldefrag(urljoin(url, _with_slashes(location.strip()))).url)
    except ValueError:
        raise MeasurementError("bad_redirect", "the Location is not an http or https URL") from None
    if target.url in seen or sum(_without_query(met) == _without_query(target.url) for met in seen) >= MAX_VISITS:
        raise MeasurementError("redirect_loop", f"back to {target.host}")
    if len(seen) > max_redirects:
        raise MeasurementError("redirect_limit", f"more than {max_redirects} hops")
    return target


def _with_slashes(location: str) -> str:
    """Return the address as browsers read it, who take a backslash before the query for a slash (WHATWG URL, 4.4)."""
    place = re.match(r"[^?#]*", location)
    end = place.end() if place else 0
    return location[:end].replace("\\", "/") + location[end:]


def _without_query(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path
