"""What a parser says of a value that is not usable: the end of the sentence that stops a command at its start."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from pytomo_scrapy.config import read_setting
from pytomo_scrapy.config.values import BadValue, moment
from pytomo_scrapy.failures import SettingError

NUMBER = "a number of at least 0.5 and at most 3600"
RESOLVERS = (
    "names with addresses such as "
    "system,google=8.8.8.8,lab=127.0.0.1:5353,dot=tls://9.9.9.9,doh=https://dns.google/dns-query"
)
MAIL = "the address of a mail server such as smtps://user:password@mail.example.org"
VIEWPORT = "PYTOMO_SABR_VIEWPORT_PX"


@pytest.mark.parametrize(
    ("name", "bad", "right"),
    [
        ("PYTOMO_DOWNLOAD_WINDOW_S", "soon", NUMBER),
        ("PYTOMO_DOWNLOAD_WINDOW_S", "nan", NUMBER),
        ("PYTOMO_PACE_S", "-1", "a number of at least 0"),
        ("PYTOMO_PING_PACKETS", "1.5", "a whole number of at least 0 and at most 1000"),
        ("PYTOMO_ALERT_AFTER", "0", "a whole number of at least 1"),
        # More than a database holds, and later than there are years.
        ("PYTOMO_CONTRACT_BPS", str(2**63), "a whole number of at least 0 and at most 9223372036854775807"),
        ("PYTOMO_START_JITTER_S", "1e12", "a number of at least 0 and at most 1e+11"),
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
        # What no address can be: an IPv6 address without its end, and ports that are no numbers or none.
        ("PYTOMO_HTTP_PROXY", "http://[::1", "a proxy URL such as http://host:3128"),
        ("PYTOMO_HTTP_PROXY", "http://host:squid", "a proxy URL such as http://host:3128"),
        ("PYTOMO_HTTP_PROXY", "http://host:70000", "a proxy URL such as http://host:3128"),
        ("PYTOMO_HTTP_PROXY", "http://host:0", "a proxy URL such as http://host:3128"),
        ("PYTOMO_HTTP_PROXY", "http://", "a proxy URL such as http://host:3128"),
        ("PYTOMO_ALERT_WEBHOOK", "https://[::1/hook", "a web address such as https://example.org/hook"),
        ("PYTOMO_CONTROL_REFERENCE_URL", "file.bin", "a web address such as https://example.org/hook"),
        ("PYTOMO_ALERT_MAIL_SERVER", "mail.example.org", MAIL),
        ("PYTOMO_ALERT_MAIL_SERVER", "imap://mail.example.org", MAIL),
        ("PYTOMO_ALERT_MAIL_SERVER", "smtp://mail.example.org:submission", MAIL),
        ("PYTOMO_DIFFERENTIAL_NEUTRAL_NAME", "localhost", "a host name such as www.example.com"),
        ("PYTOMO_DIFFERENTIAL_NEUTRAL_NAME", "192.0.2.1", "a host name such as www.example.com"),
        ("PYTOMO_DIFFERENTIAL_NEUTRAL_NAME", "-a.example", "a host name such as www.example.com"),
        ("PYTOMO_DIFFERENTIAL_NEUTRAL_NAME", f"{'a' * 64}.example", "a host name such as www.example.com"),
        ("PYTOMO_DIFFERENTIAL_NEUTRAL_NAME", f"{'a.' * 124}example", "a host name such as www.example.com"),
        ("PYTOMO_DIFFERENTIAL_NEUTRAL_NAME", "www.ex\u00e4mple.com", "a host name such as www.example.com"),
        *(
            (VIEWPORT, bad, "a width and a height such as 1920x1080")
            for bad in (
                "1080p",
                "1920",
                "1920x",
                "x1080",
                "0x1080",
                "1920x0",
                "20000x1",
                "1x20000",
                "-1x5",
                "1.5x2",
                "\u00b2x2",
            )
        ),
        ("PYTOMO_DNS_RESOLVERS", "google=here", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "dns.example", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "=8.8.8.8", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "lab=127.0.0.1:dns", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "lab=[::1", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "dot=tls://dns.quad9.net", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "doh=https://", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "doh=https://[::1/dns-query", RESOLVERS),
        ("PYTOMO_DNS_RESOLVERS", "doh=https://dns.google:https/dns-query", RESOLVERS),
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
        (VIEWPORT, " 1280X720 ", (1280, 720)),
        ("PYTOMO_HTTP_PROXY", "http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        (
            "PYTOMO_ALERT_MAIL_SERVER",
            "smtp+starttls://me:p%40ss@mail.example.org",
            "smtp+starttls://me:p%40ss@mail.example.org",
        ),
        ("PYTOMO_ALERT_MAIL_SERVER", "", None),
        ("PYTOMO_DIFFERENTIAL_NEUTRAL_NAME", "WWW.Example.com.", "www.example.com"),
    ],
)
def test_value_is_read_as_its_kind(name: str, raw: Any, value: Any) -> None:
    assert read_setting(name, raw) == value


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("20260131T120000Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC)),
        (datetime(2026, 1, 31, 12), datetime(2026, 1, 31, 12, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=-5))), datetime(2026, 1, 31, 17, tzinfo=UTC)),
    ],
)
def test_moment_is_a_time_in_utc(given: str | date, read: datetime) -> None:
    found = moment(given)
    assert (found, found.utcoffset()) == (read, timedelta(0))


@pytest.mark.parametrize(
    "given",
    ["", "yesterday", "2026-13-01", "2026-02-30", "12:00", "0001-01-01T00:00+23:00", "9999-12-31T23:00-23:00"],
)
def test_text_that_is_no_time_is_answered_with_one(given: str) -> None:
    with pytest.raises(BadValue, match="a time such as 2026-01-31 or 2026-01-31T12:00"):
        moment(given)
