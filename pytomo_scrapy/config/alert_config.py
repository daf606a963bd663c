"""What raises an alert, and where alerts go."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.config.setting import setting
from pytomo_scrapy.config.values import mail_server, number, optional, text, web_address, whole, words


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """Failures in a row of a crawl, thresholds of `pytomo lines --alert`, and the ways that alerts go out by."""

    webhook: str | None = setting(
        "PYTOMO_ALERT_WEBHOOK",
        None,
        "URL",
        optional(web_address),
        "Web address to which a JSON message is posted when failures repeat or a line is in trouble, and when that is "
        "over",
    )
    after: int = setting(
        "PYTOMO_ALERT_AFTER", 5, "videos", whole(1), "Failures of the same class in a row that raise an alert"
    )
    startup_s: float = setting(
        "PYTOMO_ALERT_STARTUP_S",
        5.0,
        "s",
        number(0),
        "Median startup delay of a line's last sessions above which `pytomo lines --alert` raises an alert; 0: none",
    )
    stall_share: float = setting(
        "PYTOMO_ALERT_STALL_SHARE",
        0.2,
        "ratio",
        number(0, 1),
        "Share of a line's last sessions with a stall above which `pytomo lines --alert` raises an alert; 0: none",
    )
    refusal_share: float = setting(
        "PYTOMO_ALERT_REFUSAL_SHARE",
        0.9,
        "ratio",
        number(0, 1),
        "Share of a line's last videos refused by the service above which `pytomo lines --alert` raises an alert; "
        "0: none",
    )
    silence_s: float = setting(
        "PYTOMO_ALERT_SILENCE_S",
        7200.0,
        "s",
        number(0),
        "Time since a line's last measurement above which `pytomo lines --alert` raises an alert; 0: none",
    )
    cap_share: float = setting(
        "PYTOMO_ALERT_CAP_SHARE",
        0.9,
        "ratio",
        number(0, 1),
        "Used share of a line's PYTOMO_DATA_CAP_BYTES_PER_DAY above which `pytomo lines --alert` raises an alert; "
        "0: none",
    )
    mail_to: tuple[str, ...] = setting(
        "PYTOMO_ALERT_MAIL_TO",
        (),
        "addresses",
        words,
        "Mail addresses that alerts are sent to, with commas between them",
    )
    mail_from: str = setting(
        "PYTOMO_ALERT_MAIL_FROM", "pytomo@localhost", "address", text, "Mail address that alerts come from"
    )
    mail_server: str | None = setting(
        "PYTOMO_ALERT_MAIL_SERVER",
        None,
        "URL",
        optional(mail_server),
        "Server that takes the mail: smtp://host:25, smtp+starttls://user:password@host:587 or "
        "smtps://user:password@host:465; none: localhost, port 25",
    )
