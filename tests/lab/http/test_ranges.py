"""Ranges and transfers of the lab's media hosts, and what each fault makes of a transfer: pure functions."""

from __future__ import annotations

import json

import pytest

from pytomo_scrapy.lab.faults import FAULTS, MediaFault, fault_at
from pytomo_scrapy.lab.http.ranges import RangeRefused, Span, choose_span
from pytomo_scrapy.lab.http.request_heads import RequestHead
from pytomo_scrapy.lab.http.service_messages import Request, json_response, page, redirect, to_consent
from pytomo_scrapy.lab.http.transfers import Answer, Ending, Transfer, plain_answer

CONTENT = memoryview(bytes(range(100)))


def head(target: str = "/videoplayback", **headers: str) -> RequestHead:
    return RequestHead("GET", target, headers, True)


@pytest.mark.parametrize(
    ("value", "first", "end"),
    [
        ("bytes=0-9", 0, 10),  # the last byte is meant too
        ("bytes=90-", 90, 100),
        ("bytes=90-500", 90, 100),  # no more than there is
        ("bytes=-10", 90, 100),  # the last ten
        ("bytes=-500", 0, 100),
        ("bytes=99-99", 99, 100),
        ("BYTES=0-0", 0, 1),
        ("bytes = 5-6 ", 5, 7),
    ],
)
def test_range_header_is_a_part_of_the_file(value: str, first: int, end: int) -> None:
    span = choose_span(head(range=value), 100)
    assert span == Span(first, end, is_partial=True) and span.size_bytes == end - first


@pytest.mark.parametrize(
    "value", ["", "bytes", "bytes=", "bytes=-", "bytes=9-5", "bytes=0-1,5-6", "bytes=a-b", "items=0-1", "bytes=--1"]
)
def test_range_header_that_is_none_is_the_whole_file(value: str) -> None:
    assert choose_span(head(range=value), 100) == Span(0, 100, is_partial=False)


@pytest.mark.parametrize(("value", "size_bytes"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=-5", 0)])
def test_range_outside_of_the_file_is_refused(value: str, size_bytes: int) -> None:
    with pytest.raises(RangeRefused):
        choose_span(head(range=value), size_bytes)


@pytest.mark.parametrize(
    ("target", "span"),
    [
        ("/videoplayback?range=10-19", Span(10, 20, is_partial=False)),  # answered by 200, as the service does
        ("/videoplayback?range=nonsense", Span(0, 100, is_partial=False)),
        ("/videoplayback?range=", Span(0, 5, is_partial=True)),  # empty: the header counts
        ("/videoplayback?itag=18", Span(0, 5, is_partial=True)),
    ],
)
def test_range_parameter_goes_before_the_header(target: str, span: Span) -> None:
    assert choose_span(head(target, range="bytes=0-4"), 100) == span


# Transfers.


def make_transfer(first: int = 0, end: int = 100, *, is_partial: bool = True) -> Transfer:
    return Transfer(CONTENT, "video/mp4", Span(first, end, is_partial))


@pytest.mark.parametrize(
    ("transfer", "status", "content_range"),
    [
        (make_transfer(10, 20), 206, "bytes 10-19/100"),
        (make_transfer(is_partial=False), 200, None),
        (make_transfer(10, 20, is_partial=False), 200, None),
    ],
)
def test_answer_without_fault_sends_what_was_asked_for(
    transfer: Transfer, status: int, content_range: str | None
) -> None:
    answer, span = transfer.answer(), transfer.span
    assert (answer.status, dict(answer.headers).get("Content-Range")) == (status, content_range)
    assert (bytes(answer.body), answer.length_bytes) == (bytes(CONTENT[span.first : span.end]), span.size_bytes)
    assert (answer.first_byte, answer.ending) == (span.first, Ending.NORMAL)


@pytest.mark.parametrize(
    ("transfer", "cut_at", "sent", "ending"),
    [
        (make_transfer(0, 100), 25, 25, Ending.RESET),
        (make_transfer(20, 40), 25, 5, Ending.RESET),
        (make_transfer(0, 25), 25, 25, Ending.NORMAL),  # all of it lies before the cut
        (make_transfer(30, 40), 25, 0, Ending.RESET),  # all of it lies behind
    ],
)
def test_answer_that_is_cut_declares_everything_and_sends_what_lies_before(
    transfer: Transfer, cut_at: int, sent: int, ending: Ending
) -> None:
    answer = transfer.cut(cut_at, Ending.RESET)
    assert (len(answer.body), answer.ending) == (sent, ending)
    assert answer.length_bytes == transfer.span.size_bytes


def test_plain_answer_is_a_line_of_text_whose_length_is_its_own() -> None:
    answer = plain_answer(404, "not here", [("Retry-After", "3")])
    assert (answer.status, bytes(answer.body), answer.length_bytes) == (404, b"not here\n", 9)
    assert list(answer.headers) == [("Content-Type", "text/plain"), ("Retry-After", "3")]


# Faults. A quarter of the 100 bytes is 25.


def served(name: str, transfer: Transfer) -> Answer:
    fault = fault_at(MediaFault, name)
    assert fault is not None and fault.serve is not None
    return fault.serve(transfer)


@pytest.mark.parametrize(
    ("name", "transfer", "status", "sent", "declared", "ending"),
    [
        ("reset", make_transfer(), 206, 25, 100, Ending.RESET),
        ("reset", make_transfer(0, 20), 206, 20, 20, Ending.NORMAL),
        ("stall", make_transfer(20, 60), 206, 5, 40, Ending.HANG),
        # Half of what was asked for, wherever it lies.
        ("truncated", make_transfer(0, 100), 206, 50, 100, Ending.CLOSE),
        ("truncated", make_transfer(80, 90), 206, 5, 10, Ending.CLOSE),
        ("slow_first_byte", make_transfer(0, 10), 206, 10, 10, Ending.NORMAL),
        # A range that begins before the quarter is answered up to it, a whole request is cut there.
        ("http_403_middle", make_transfer(0, 100), 206, 25, 25, Ending.NORMAL),
        ("http_403_middle", make_transfer(0, 10), 206, 10, 10, Ending.NORMAL),
        ("http_403_middle", make_transfer(is_partial=False), 200, 25, 100, Ending.RESET),
        ("http_403_middle", make_transfer(25, 30), 403, 22, 22, Ending.NORMAL),  # its sentence and a line's end
    ],
)
def test_fault_of_a_media_host_makes_its_answer(
    name: str, transfer: Transfer, status: int, sent: int, declared: int, ending: Ending
) -> None:
    answer = served(name, transfer)
    assert (answer.status, len(answer.body), answer.length_bytes, answer.ending) == (status, sent, declared, ending)
    assert (answer.delay_s > 0) == (name == "slow_first_byte")


@pytest.mark.parametrize(
    ("name", "status", "header"),
    [
        ("http_403", 403, ("Content-Type", "text/plain")),
        ("http_404", 404, ("Content-Type", "text/plain")),
        ("http_500", 500, ("Content-Type", "text/plain")),
        ("media_429", 429, ("Retry-After", "30")),
        ("not_video", 200, ("Content-Type", "text/html; charset=utf-8")),
    ],
)
def test_fault_that_answers_without_media_answers_always_the_same(
    name: str, status: int, header: tuple[str, str]
) -> None:
    fault = fault_at(MediaFault, name)
    assert fault is not None and fault.instead is not None
    assert fault.instead.status == status and header in fault.instead.headers


def test_fault_that_is_none_or_of_another_kind_is_none() -> None:
    assert (
        fault_at(MediaFault, None) is fault_at(MediaFault, "no such fault") is fault_at(MediaFault, "private") is None
    )
    assert fault_at(MediaFault, "reset") is FAULTS["reset"]


def test_wrong_length_is_half_of_the_file() -> None:
    fault = fault_at(MediaFault, "wrong_length")
    assert fault is not None and fault.content is not None
    assert bytes(fault.content(CONTENT, "seed")) == bytes(range(50))


# The service's messages.


def make_request(**overrides: object) -> Request:
    values: dict[str, object] = {"method": "GET", "scheme": "https", "host": "www.youtube.com", "target": "/watch?v=a"}
    return Request(**{**values, **overrides})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/watch?v=a&v=b", "/watch", {"v": "b"}),  # of a repeated one, the last
        ("/results?q=", "/results", {"q": ""}),
        ("/a%20b?x=%C3%A9", "/a%20b", {"x": "é"}),
        ("/", "/", {}),
    ],
)
def test_request_has_a_path_and_decoded_parameters(target: str, path: str, query: dict[str, str]) -> None:
    request = make_request(target=target)
    assert (request.path, request.query) == (path, query)


@pytest.mark.parametrize(
    ("body", "value"), [(b'{"a": 1}', {"a": 1}), (b"", {}), (b"[1]", {}), (b"{", {}), (b"\xff\xfe", {})]
)
def test_body_that_is_no_object_counts_as_empty(body: bytes, value: dict[str, int]) -> None:
    assert make_request(body=body).json() == value


def test_answers_carry_any_text_that_a_title_may_be() -> None:
    lone = "half a pair \ud83d and the rest"
    assert json.loads(json_response({"t": lone}).body.decode("utf-8", "surrogatepass")) == {"t": lone}
    assert page(lone, 404, ("X", "1")).body.decode("utf-8", "surrogatepass") == lone
    assert (page("", 404, ("X", "1")).status, redirect("/b").headers) == (404, (("Location", "/b"),))


def test_consent_page_knows_where_the_client_came_from() -> None:
    (location,) = (value for name, value in to_consent(make_request()).headers if name == "Location")
    assert "continue=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3Da&" in location
