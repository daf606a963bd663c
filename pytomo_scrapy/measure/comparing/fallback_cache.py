"""The second cache that a media URL names, and the same media at it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

_CACHE = re.compile(r"(?P<letters>rr?)(?P<number>\d{1,3})---(?P<site>sn-[a-z0-9-]+)(?P<domain>\.[a-z.]+)", re.ASCII)
_SITE = re.compile(r"sn-[a-z0-9-]{1,60}", re.ASCII)
_NUMBER = re.compile(r"\d{1,3}", re.ASCII)


def fallback_url(url: str) -> str | None:
    """Return the address of the same media at the second cache of `mn`. None where the URL names none.

    A cache is called by its number and its site. `mn` names the sites, the one that the URL leads to first; `fvip`
    is the number at the fallback, else the first one's. Nothing that the signature covers changes.

    **Source**: invidious, `Invidious::Routes::VideoPlayback`, which asks the last site of `mn` under the number `fvip`.
    """
    parts = urlsplit(url)
    host, query = _CACHE.fullmatch(parts.hostname or ""), parse_qs(parts.query)
    # What is posted to over SABR answers no plain request.
    if host is None or parts.path != "/videoplayback" or "sabr" in query:
        return None
    sites = query.get("mn", [""])[0].split(",")
    number = query.get("fvip", [""])[0]
    if len(sites) < 2 or not _SITE.fullmatch(sites[1]) or sites[1] == host["site"]:
        return None
    wanted = number if _NUMBER.fullmatch(number) else host["number"]
    name = f"{host['letters']}{wanted}---{sites[1]}{host['domain']}"
    return parts._replace(netloc=name if parts.port is None else f"{name}:{parts.port}").geturl()
