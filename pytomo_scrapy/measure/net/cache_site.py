"""The site of a cache, deciphered from its host name: airport codes hidden by a substitution of letters."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

# Source: M. M. Munafo's Perl line tr/0-9a-z/.../, as in Pytomo 3.0.4, translation_cache_url.py.
_CIPHER = str.maketrans(string.digits + string.ascii_lowercase, "uzpkfa50vqlgb61wrmhc72xsnid83ytoje94")
# rr4---sn-4g5lznez.googlevideo.com; also older forms: o-o---preferred---sn-25g7rn7k---v18---lscache1.c.youtube.com.
_HOST = re.compile(r"(?:^|---)sn-([a-z0-9]+(?:-[a-z0-9]+)?)(?:---[a-z0-9-]+)*\.(?:googlevideo|c\.youtube)\.com$")
# The service's own sites (fra24s14: airport, number, rack) and caches inside a provider (orange-mrs2). Anything else
# was enciphered otherwise, and its letters would be nonsense.
_SITE = re.compile(r"(?:[a-z0-9]{1,63}-)?([a-z]{3})[0-9]{1,2}(?:s[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class CacheSite:
    """A deciphered name, such as "fra24s14" or "orange-mrs2", and the airport code in it."""

    name: str
    airport: str


def read_cache_site(host: str | None) -> CacheSite | None:
    """Decipher the site in a cache's host name. None where the name is none of the known cipher."""
    found = _HOST.search((host or "").lower())
    if found is None:
        return None
    name = found[1].translate(_CIPHER)
    site = _SITE.fullmatch(name)
    return CacheSite(name, site[1]) if site else None
