"""Where an alert goes: by mail, through servers of three kinds, and what is said where it cannot be sent."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.config.values import BadValue, mail_server
from pytomo_scrapy.crawl.notices import has_ways, send_notice

pytestmark = pytest.mark.process


class MailServer(socketserver.StreamRequestHandler):
    """Takes mail as RFC 5321 says, with AUTH PLAIN, and keeps what it was told."""

    said: list[str]
    refuses: bool

    def handle(self) -> None:
        self._say("220 mail.example")
        while line := self.rfile.readline().decode().strip():
            self.said.append(line)
            word = line.split()[0].upper()
            if word == "EHLO":
                self._say("250-mail.example\r\n250 AUTH PLAIN")
            elif word == "DATA":
                self._say("354 go on")
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    self.said.append(text)
                self._say("250 kept")
            elif word == "RCPT" and self.refuses:
                self._say("550 no such user")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("235 welcome" if word == "AUTH" else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail(*, refuses: bool = False) -> Iterator[tuple[int, list[str]]]:
    said: list[str] = []
    handler = type("Handler", (MailServer,), {"said": said, "refuses": refuses})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], said
        server.shutdown()


def test_mail_has_subject_addresses_and_every_value() -> None:
    with mail() as (port, said):
        config = AlertConfig(mail_to=("a@example.org", "b@example.org"), mail_server=f"smtp://127.0.0.1:{port}")
        assert send_notice(config, "attic is silent", {"what": "silence", "value": 9000.0})
    assert "Subject: pytomo: attic is silent" in said and "To: a@example.org, b@example.org" in said
    assert "what: silence" in said and "value: 9000.0" in said
    assert [line for line in said if line.startswith("rcpt") or line.startswith("RCPT")] == [
        "rcpt TO:<a@example.org>",
        "rcpt TO:<b@example.org>",
    ]


def test_mail_is_sent_with_the_name_and_password_of_its_server() -> None:
    with mail() as (port, said):
        config = AlertConfig(mail_to=("a@example.org",), mail_server=f"smtp://me:p%40ss@127.0.0.1:{port}")
        assert send_notice(config, "x", {})
    # base64 of \0me\0p@ss, RFC 4616
    assert "AUTH PLAIN AG1lAHBAc3M=" in said


def test_subject_with_a_line_break_stays_one_header() -> None:
    with mail() as (port, said):
        config = AlertConfig(mail_to=("a@example.org",), mail_server=f"smtp://127.0.0.1:{port}")
        assert send_notice(config, "attic\r\nBcc: c@example.org", {})
    assert not [line for line in said if line.startswith("Bcc")]


@pytest.mark.parametrize("refuses", [True, None])
def test_mail_that_is_not_taken_costs_a_line_without_the_password(
    refuses: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    with mail(refuses=True) as (port, _):
        server = f"smtp://me:secret@127.0.0.1:{port if refuses else 9}"
        assert not send_notice(AlertConfig(mail_to=("a@example.org",), mail_server=server), "x", {})
    assert "could not be mailed" in caplog.text and "secret" not in caplog.text


def test_web_hook_that_speaks_another_protocol_costs_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with mail() as (port, _):
        assert not send_notice(AlertConfig(webhook=f"http://127.0.0.1:{port}/secret"), "x", {})
    assert caplog.messages == ["The alert could not be posted: BadStatusLine"]


def test_alert_without_a_way_goes_nowhere() -> None:
    assert not has_ways(AlertConfig()) and has_ways(AlertConfig(webhook="http://x.example"))
    assert has_ways(AlertConfig(mail_to=("a@example.org",)))


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "imap://mail.example.org"])
def test_address_that_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(BadValue):
        mail_server(url)
