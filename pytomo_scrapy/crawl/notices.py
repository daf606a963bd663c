"""Send an alert: to the web hook as JSON, and by mail as text. What cannot be sent costs a line in the log."""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
import urllib.request
from collections.abc import Mapping
from email.message import EmailMessage
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit

from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.items.foreign_text import printable

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
# Source: RFC 5321 4.5.4.2, RFC 6409 3.1, RFC 8314 3.3.
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def send_notice(config: AlertConfig, subject: str, message: Mapping[str, Any]) -> bool:
    """Send a message on every way that is set. Returns whether all of them took it; blocks, for 10 s a way at most."""
    ways = []
    if config.webhook is not None:
        ways.append(_post(config.webhook, message))
    if config.mail_to:
        ways.append(_mail(config, subject, message))
    return all(ways)


def has_ways(config: AlertConfig) -> bool:
    """Return whether an alert would go anywhere."""
    return config.webhook is not None or bool(config.mail_to)


def _post(webhook: str, message: Mapping[str, Any]) -> bool:
    body = json.dumps(message).encode()
    request = urllib.request.Request(webhook, body, {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):
            return True
    # What answers there may speak another protocol than HTTP.
    except (OSError, ValueError, HTTPException) as error:
        # The address holds a secret of its own, so it is not in the line.
        logger.warning("The alert could not be posted: %s", type(error).__name__)
        return False


def _mail(config: AlertConfig, subject: str, message: Mapping[str, Any]) -> bool:
    parts = urlsplit(config.mail_server or "smtp://localhost")
    port = parts.port or _PORTS[parts.scheme]
    connect = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    try:
        mail = _written(config, subject, message)
        with connect(parts.hostname or "", port, timeout=TIMEOUT_S) as server:
            if parts.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(mail)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        logger.warning("The alert could not be mailed: %s", type(error).__name__)
        return False
    return True


def _written(config: AlertConfig, subject: str, message: Mapping[str, Any]) -> EmailMessage:
    """Return the mail. Raises ValueError where an address has a line break."""
    mail = EmailMessage()
    # A line break in a name from outside would begin another header.
    mail["Subject"] = printable(f"pytomo: {subject}")
    mail["From"], mail["To"] = config.mail_from, ", ".join(config.mail_to)
    text = "".join(f"{name}: {value}\n" for name, value in message.items())
    # A name from the environment may hold bytes that are no text.
    mail.set_content(text.encode(errors="backslashreplace").decode())
    return mail
