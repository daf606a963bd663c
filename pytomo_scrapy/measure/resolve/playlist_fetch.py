"""Fetches a small text such as a playlist over the path of the measurement: bounded in size, time and redirects."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pycurl

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.net.path import bind_address, ca_file, proxy_for, wanted_family
from pytomo_scrapy.measure.net.private_addresses import GuardedSockets
from pytomo_scrapy.measure.net.redirects import REDIRECT_STATUSES, follow_redirect, read_target
from pytomo_scrapy.measure.net.request_fields import header_lines
from pytomo_scrapy.measure.net.uri import as_uri

MAX_REDIRECTS = 5
_FAMILIES = {4: pycurl.IPRESOLVE_V4, 6: pycurl.IPRESOLVE_V6, None: pycurl.IPRESOLVE_WHATEVER}
_BY_STATUS = {403: "http_403", 404: "http_404", 410: "http_410", 429: "http_429"}


def fetch_text(
    url: str, headers: Mapping[str, str], path: PathConfig, timeout_s: float, max_bytes: int
) -> tuple[str, str]:
    """Return the text at `url`, and the address that redirects led to. Blocks for `timeout_s` at most.

    Raises MeasurementError: the class of an HTTP status, `private_address`, one of the redirects' classes,
    `broken_playlist` for a text longer than `max_bytes`, and `resolve_unreachable` for trouble on the way.
    """
    seen, until_s = [read_target(url).url], time.monotonic() + timeout_s
    while True:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise MeasurementError("resolve_unreachable", "playlist: it took too long")
        status, location, body = _get(seen[-1], headers, path, left_s, max_bytes)
        if status not in REDIRECT_STATUSES:
            break
        target = follow_redirect(seen[-1], location, seen, MAX_REDIRECTS)
        seen.append(target.url)
    if status != 200:
        failure = _BY_STATUS.get(status) or ("http_5xx" if status >= 500 else "http_4xx")
        raise MeasurementError(failure, f"HTTP {status} for the playlist")
    return body.decode("utf-8", "replace"), seen[-1]


def _get(
    url: str, headers: Mapping[str, str], path: PathConfig, timeout_s: float, max_bytes: int
) -> tuple[int, str | None, bytes]:
    """Ask once, and return the status, where it redirects to, and the body."""
    body, handle, proxy = bytearray(), pycurl.Curl(), proxy_for(url, path)
    sockets = GuardedSockets(path, is_direct=proxy is None)

    def receive(more: bytes) -> int:
        body.extend(more)
        return len(more) if len(body) <= max_bytes else -1

    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout_s * 1000)))  # 0 would be no limit
    handle.setopt(pycurl.CAINFO, ca_file())
    handle.setopt(pycurl.PROXY, as_uri(proxy) if proxy else "")
    handle.setopt(pycurl.NOPROXY, "")
    handle.setopt(pycurl.IPRESOLVE, _FAMILIES[wanted_family(path)] if proxy is None else pycurl.IPRESOLVE_WHATEVER)
    if source := bind_address(path, proxy):
        handle.setopt(pycurl.INTERFACE, f"host!{source}")
    handle.setopt(pycurl.OPENSOCKETFUNCTION, sockets.open)
    handle.setopt(pycurl.HTTPHEADER, header_lines(headers))
    handle.setopt(pycurl.WRITEFUNCTION, receive)
    try:
        handle.perform()
        return handle.getinfo(pycurl.RESPONSE_CODE), handle.getinfo(pycurl.REDIRECT_URL), bytes(body)
    except pycurl.error as error:
        if sockets.refused_address is not None:
            raise MeasurementError("private_address", f"a playlist leads to {sockets.refused_address}") from None
        if len(body) > max_bytes:
            raise MeasurementError("broken_playlist", f"it is longer than {max_bytes} bytes") from None
        raise MeasurementError("resolve_unreachable", f"playlist: curl error {error.args[0]}") from None
    finally:
        handle.close()
        sockets.close()
