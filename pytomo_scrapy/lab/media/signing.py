"""Signed media URLs as the service writes and checks them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from pytomo_scrapy.lab.clips.clip import ClipStream

# The service's URLs hold for about six hours.
EXPIRES_IN_S = 21_540
SPARAMS = ("expire", "ei", "ip", "id", "itag", "source", "requiressl", "bui")
SABR_SPARAMS = ("expire", "ei", "ip", "id", "source", "requiressl", "sabr", "bui")


def sign_url(
    secret: bytes,
    host: str,
    port: int,
    video_id: str,
    stream: ClipStream,
    client_ip: str,
    expire: int,
    *,
    client: str = "VISIONOS",
    fallback_host: str | None = None,
    guest_mark: str = "nobody",
) -> str:
    """Return the URL of one stream, valid for `client_ip` until `expire` (seconds since 1970).

    `guest_mark` binds it to the guest that asked: the service's URLs carry such a signed mark in their parameter `bui`.
    Its parameters, among them the hints `mn`, `fvip`, `mm`, `ms`, `pl` and `initcwndbps`, are those of the service's.
    """
    caches = [name.partition("---")[2].partition(".")[0] for name in (host, fallback_host or host)]
    fallback_number = (fallback_host or host).partition("---")[0].lstrip("r")
    token = hashlib.sha256(f"{video_id}:{expire}".encode()).hexdigest()
    query = {
        "expire": str(expire),
        "ei": token[:22],
        "ip": client_ip,
        "id": video_id,
        "itag": str(stream.itag),
        "source": "youtube",
        "requiressl": "yes",
        "mh": token[22:24],
        "mm": "31,29",
        "mn": ",".join(caches),
        "ms": "au,rdu",
        "mv": "m",
        "mvi": "1",
        "fvip": fallback_number,
        "pl": "24",
        "initcwndbps": "1250000",
        "bui": guest_mark,
        "mime": stream.mime,
        "gir": "yes",
        "clen": str(stream.size_bytes),
        "dur": f"{stream.duration_s:.3f}",
        "lmt": "1700000000000000",
        "keepalive": "yes",
        "fexp": "51565116,51565682",
        "c": client,
        "sparams": ",".join(SPARAMS),
    }
    query["sig"] = _signature(secret, query)
    return f"https://{host}{'' if port == 443 else f':{port}'}/videoplayback?{urlencode(query)}"


def sign_sabr_url(url: str, secret: bytes) -> str:
    """Return the address that all streams of the video at `url`, a stream's own, are asked for at over SABR."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {
        "sabr": "1",
        "rqh": "1",
        "sparams": ",".join(SABR_SPARAMS),
    }
    kept = {name: value for name, value in query.items() if name not in {"itag", "mime", "gir", "clen", "dur", "lmt"}}
    kept["sig"] = _signature(secret, kept, SABR_SPARAMS)
    return parts._replace(query=urlencode(kept)).geturl()


def verify(secret: bytes, query: Mapping[str, str], peer_ip: str, now_s: float) -> str | None:
    """Return why the service would refuse this request with 403. None when its URL is good.

    As the service does: the signed parameters are untouched, the URL has not expired, and the client that asks has the
    address that the resolution came from.
    """
    signed = SABR_SPARAMS if "sabr" in query else SPARAMS
    if query.get("sparams") != ",".join(signed) or any(name not in query for name in signed):
        return "signed parameters are missing"
    if not hmac.compare_digest(_signature(secret, query, signed), query.get("sig", "")):
        return "the signature does not match"
    if int(query["expire"]) <= now_s:
        return "the URL has expired"
    if query["ip"] != peer_ip:
        return "the URL was made for another address"
    return None


def _signature(secret: bytes, query: Mapping[str, str], names: Sequence[str] = SPARAMS) -> str:
    signed = "\n".join(f"{name}={query[name]}" for name in names)
    return hmac.new(secret, signed.encode(), hashlib.sha256).hexdigest()
