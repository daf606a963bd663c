"""What a parser says of a value that is not usable: the end of the sentence that stops a command at its start."""

from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.config import read_setting
from pytomo_scrapy.failures import SettingError

NUMBER = "a number of at least 0.5 and at most 3600"
RESOLVERS = (
    "names with addresses such as "
    "system,google=8.8.8.8,lab=127.0.0.1:5353,dot=tls://9.9.9.9,doh=https://dns.google/dns-query"
)


@pytest.mark.parametrize(
    ("name", "bad", "right"),
    [
        ("PYTOMO_DOWNLOAD_WINDOW_S", "soon", NUMBER),
        ("PYTOMO_DOWNLOAD_WINDOW_S", "nan", NUMBER),
        ("PYTOMO_PACE_S", "-1", "a number of at least 0"),
        ("PYTOMO_PING_PACKETS", "1.5", "a whole number of at least 0 and at most 1000"),
        ("PYTOMO_ALERT_AFTER", "0", "a whole number of at least 1"),
        ("PYTOMO_QUIET_WINDOW", "perhaps", "1 or 0 (true or false)"),
        (
            *("PYTOMO_SOURCES", "charts,trending"),
            "one or more of data_api, charts, gaming, podcasts, sports, search",
        ),
        ("PYTOMO_SOURCES", " ", "one or more of data_api, charts, gaming, podcasts, sports, search"),
        ("PYTOMO_IP_FAMILY", "5", "one of 4, 6, any, both"),
        ("PYTOMO_FORMAT", " ", "some text"),
        ("PYTOMO_HTTP_PROXY", "https://proxy:3128", "a proxy URL such as http://host:3128"),
        ("PYTOMO_SOURCE_ADDRESS", "eth0", "an IP address of this machine"),
        ("PYTOMO_ALERT_WEBHOOK", "ftp://host/", "a web address such as https://example.org/hook"),
        ("PYTOMO_DNS_RESOLVERS", "google=here", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "a=1.1.1.1,a=2.2.2.2", RESOLVERS + ", each name once"),
    ],
)
def test_bad_value_is_answered_with_what_would_be_right(name: str, bad: str, right: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_setting(name, bad)
    assert str(caught.value) == f"{name}={bad!r} is not usable: it must be {right}."


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("PYTOMO_DOWNLOAD_WINDOW_S", "12.5", 12.5),
        ("PYTOMO_PING_PACKETS", " 3 ", 3),
        ("PYTOMO_QUIET_WINDOW", "Off", False),
        ("PYTOMO_QUIET_WINDOW", True, True),
        ("PYTOMO_IP_FAMILY", "Both", "both"),
        ("PYTOMO_PROVIDER", "none", None),
        ("PYTOMO_SEARCH_TERMS", "music, news ,", ("music", "news")),
        ("PYTOMO_SEARCH_TERMS", ["music"], ("music",)),
        ("PYTOMO_SOURCES", "search, Sports ,sports", ("sports", "search")),
        ("PYTOMO_SOURCE_ADDRESS", "2001:DB8::0", "2001:db8::"),
        ("PYTOMO_RESOLVE_EXTRACTOR_ARGS", "", ""),
    ],
)
def test_value_is_read_as_its_kind(name: str, raw: Any, value: Any) -> None:
    assert read_setting(name, raw) == value
