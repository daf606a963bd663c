"""Which server an alert's mail is handed to, by which port and with which words, and what both ways together say."""

from __future__ import annotations

import smtplib
import ssl
import urllib.request
from contextlib import nullcontext
from email.message import EmailMessage
from typing import Any

import pytest

from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.crawl.notices import send_notice

TO = ("a@example.org", "b@example.org")


class Post:
    """Mail servers of both kinds: each notes what it is asked, and raises at the step that `trouble` names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.mails: list[EmailMessage] = []
        self.trouble: dict[str, Exception] = {}
        for kind in ("SMTP", "SMTP_SSL"):
            monkeypatch.setattr(smtplib, kind, lambda host, port, timeout, kind=kind: self._opened(kind, host, port))

    def _opened(self, kind: str, host: str, port: int) -> Post:
        return self._step(f"{kind} {host}:{port}", "connect")

    def _step(self, words: str, name: str) -> Post:
        if name in self.trouble:
            raise self.trouble[name]
        self.log.append(words)
        return self

    def __enter__(self) -> Post:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("bye")

    def starttls(self, context: ssl.SSLContext) -> None:
        assert context.check_hostname, "whoever answers must be the server that was named"
        self._step("starttls", "starttls")

    def login(self, name: str, password: str) -> None:
        self._step(f"login {name} {password}", "login")

    def send_message(self, mail: EmailMessage) -> None:
        self._step("send", "send")
        self.mails.append(mail)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    return Post(monkeypatch)


def send(server: str | None, subject: str = "attic is silent", **message: Any) -> bool:
    return send_notice(AlertConfig(mail_to=TO, mail_server=server), subject, message)


@pytest.mark.parametrize(
    ("server", "log"),
    [
        # The default ports are those of RFC 5321, 6409 and 8314.
        (None, ["SMTP localhost:25", "send", "bye"]),
        ("smtp://mail.example", ["SMTP mail.example:25", "send", "bye"]),
        ("smtp://mail.example:2525", ["SMTP mail.example:2525", "send", "bye"]),
        ("smtps://mail.example", ["SMTP_SSL mail.example:465", "send", "bye"]),
        ("smtp+starttls://mail.example", ["SMTP mail.example:587", "starttls", "send", "bye"]),
        # A password is sent when the line is secret, and not before.
        (
            "smtp+starttls://me:p%40ss@mail.example",
            ["SMTP mail.example:587", "starttls", "login me p@ss", "send", "bye"],
        ),
        ("smtps://me%40x:@mail.example", ["SMTP_SSL mail.example:465", "login me@x ", "send", "bye"]),
        ("smtps://[2001:db8::1]:5465", ["SMTP_SSL 2001:db8::1:5465", "send", "bye"]),
    ],
)
def test_mail_is_handed_to_the_server_that_is_named(post: Post, server: str | None, log: list[str]) -> None:
    assert send(server) and post.log == log


def test_mail_holds_every_value_and_one_subject(post: Post) -> None:
    assert send(None, "attic\r\nBcc: c@example.org", what="silence", value=9000.0, vantage="caf\udce9")
    (mail,) = post.mails
    assert (mail["To"], mail["Bcc"]) == ("a@example.org, b@example.org", None)
    assert "\n" not in mail["Subject"] and mail["Subject"].startswith("pytomo: attic")
    assert mail.get_content().splitlines() == ["what: silence", "value: 9000.0", "vantage: caf\\udce9"]
    assert mail.as_bytes()


@pytest.mark.parametrize(
    ("step", "trouble"),
    [
        ("connect", ConnectionRefusedError(111, "refused at mail.example")),
        ("connect", TimeoutError("mail.example")),
        ("starttls", ssl.SSLCertVerificationError("mail.example is somebody else")),
        ("starttls", smtplib.SMTPNotSupportedError("no STARTTLS at mail.example")),
        ("login", smtplib.SMTPAuthenticationError(535, b"secret is wrong")),
        ("send", smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"nobody")})),
    ],
)
def test_mail_that_is_not_taken_costs_one_line_without_address_or_password(
    post: Post, step: str, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    post.trouble[step] = trouble
    assert send("smtp+starttls://me:secret@mail.example") is False
    assert caplog.messages == [f"The alert could not be mailed: {type(trouble).__name__}"]
    assert post.mails == [] and ("login me secret" in post.log) is (step == "send")


def test_sender_with_a_line_break_costs_one_line_and_no_measurement(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    config = AlertConfig(mail_to=TO, mail_from="me@example.org\nBcc: c@example.org")
    assert send_notice(config, "x", {}) is False
    assert caplog.messages == ["The alert could not be mailed: ValueError"] and post.log == []


@pytest.mark.parametrize(
    ("hook_fails", "mail_fails", "is_sent"),
    [(False, False, True), (True, False, False), (False, True, False), (True, True, False)],
)
def test_alert_is_sent_where_every_way_that_is_set_took_it(
    post: Post, monkeypatch: pytest.MonkeyPatch, hook_fails: bool, mail_fails: bool, is_sent: bool
) -> None:
    asked: list[str] = []

    def open_hook(request: urllib.request.Request, timeout: float) -> Any:
        asked.append(request.full_url)
        if hook_fails:
            raise TimeoutError
        return nullcontext()

    monkeypatch.setattr(urllib.request, "urlopen", open_hook)
    if mail_fails:
        post.trouble["send"] = OSError("away")
    config = AlertConfig(webhook="https://hooks.example/token", mail_to=TO)
    assert send_notice(config, "x", {"what": "silence"}) is is_sent
    # The one that fails does not keep the other from being tried.
    assert asked == ["https://hooks.example/token"] and post.log[:1] == ["SMTP localhost:25"]
    assert len(post.mails) == (not mail_fails)
