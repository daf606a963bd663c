"""One HTTP request of a window: where it goes, what its answer's head says, and its row. Knows nothing of curl."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pytomo_scrapy.items import HttpRequest
from pytomo_scrapy.measure.net.path import family_of
from pytomo_scrapy.measure.net.redirects import REDIRECT_STATUSES, Target
from pytomo_scrapy.measure.window.head import ResponseHead
from pytomo_scrapy.measure.window.judge import ENDING, RANGE_NOT_SATISFIABLE, REFUSING, Failure, Phase, TransferError
from pytomo_scrapy.measure.window.stream import Stream


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a request goes: the first URL of a stream, or the target of a redirect."""

    target: Target
    number: int = 0
    seen: tuple[str, ...] = ()  # URLs of the chain, this one last
    address: str | None = None  # pinned
    dns_s: float | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """What curl knows of a request that is over, or as far as it has come."""

    is_connected: bool = False  # TCP at least
    is_sent: bool = False
    address: str | None = None  # of who answered
    local_address: str | None = None
    local_port: int | None = None
    http_version: str | None = None
    connect_s: float | None = None  # None where a connection was used again, as tls_s
    tls_s: float | None = None
    first_byte_s: float | None = None
    total_s: float | None = None
    error: TransferError | None = None


class Channel(Protocol):
    """Where the body of an answer goes as it comes, and whose connection it comes by."""

    stream_index: int
    tls_version: str | None

    @property
    def may_be_counted(self) -> bool: ...

    @property
    def counter(self) -> Callable[[bytes], int | None]: ...

    def receive(self, body: bytes) -> int | None: ...

    def count(self, body_bytes: int) -> None: ...


class HttpExchange(ABC):
    """A request under way, whatever it asks for: where it goes, and what the head of its answer says."""

    def __init__(self, channel: Channel, hop: Hop, proxy: str | None, now_s: float) -> None:
        self.channel = channel
        self.hop = hop
        self.proxy = proxy
        self.started_s = now_s
        self.range: tuple[int, int] | None = None
        self.segment: int | None = None  # its number, where it has an address of its own
        self.rung: int | None = None  # its quality, in an adaptive window
        self.posted: bytes | None = None  # its body; None: it only asks
        self.is_later = False  # something had come on its connection before
        self.head = ResponseHead()
        self.answered_s: float | None = None  # when the head of the last answer was complete
        self.stop_failure: Failure | None = None  # why the head ended the transfer

    @property
    @abstractmethod
    def received_bytes(self) -> int:
        """Body bytes of this request, those of an error page included."""

    @property
    @abstractmethod
    def fields(self) -> Mapping[str, str]:
        """The header fields that it is sent with."""

    @property
    def is_redirect(self) -> bool:
        """Whether the answer sends us elsewhere."""
        return self.head.status in REDIRECT_STATUSES

    def take_line(self, line: bytes, now_s: float, wanted_version: str) -> None:
        """Take a line of the answer's head. `stop_failure` is set where the body is of no use."""
        head = self.head
        if not head.feed(line):
            self.stop_failure = ("bad_response", "the header has no end")
            return
        if not head.is_finished:
            return
        self.answered_s = now_s
        # A refusal is one in whatever version it is said.
        if wanted_version == "2" and head.http_version != "2" and (head.status or 0) < 400:
            self.stop_failure = ("http_version_unavailable", f"the server speaks HTTP/{head.http_version}")
        elif head.status in {200, 206}:
            self.take_success()

    @abstractmethod
    def take_success(self) -> None:
        """Look at the head of an answer that is to be what was asked for."""

    def phase(self, transfer: Transfer) -> Phase:
        """Return how far this request has come."""
        return Phase(self.proxy is not None, transfer.is_connected, transfer.is_sent, self.received_bytes)

    def row(self, transfer: Transfer, failure: Failure | None) -> HttpRequest:
        """Return the result row of this request."""
        address = transfer.address or (None if self.proxy else self.hop.address)
        return HttpRequest(
            stream=self.channel.stream_index,
            hop=self.hop.number,
            host=self.hop.target.host,
            port=self.hop.target.port,
            address=address,
            address_family=family_of(address),
            t_s=self.started_s,
            range_start_bytes=self.range[0] if self.range else None,
            range_end_bytes=self.range[1] if self.range else None,
            status=self.head.status,
            http_version=transfer.http_version,
            tls_version=self.channel.tls_version,
            dns_s=self.hop.dns_s,
            connect_s=transfer.connect_s,
            tls_s=transfer.tls_s,
            first_byte_s=transfer.first_byte_s,
            total_s=transfer.total_s,
            received_bytes=self.received_bytes,
            content_length_bytes=self.head.content_length_bytes,
            content_type=self.head.content_type,
            retry_after_s=self.head.retry_after_s,
            failure=failure[0] if failure else None,
            failure_detail=failure[1] if failure else None,
            segment=self.segment,
            rung=self.rung,
        )


class MediaRequest(HttpExchange):
    """A request for some bytes of a stream."""

    def __init__(self, stream: Stream, hop: Hop, proxy: str | None, now_s: float) -> None:
        super().__init__(stream, hop, proxy, now_s)
        self.stream = stream
        self.range = stream.next_range()
        self.asked_from_bytes = stream.received_bytes  # of the stream
        self.first_byte = stream.received_bytes if stream.parts is None else stream.parts.first_byte  # of the resource
        self.segment = None if stream.parts is None else stream.parts.index
        self.rung = None if stream.parts is None else stream.parts.rung
        self.is_later = self.asked_from_bytes > 0
        stream.is_discarding, stream.discarded_bytes, stream.doubt = True, 0, None

    @property
    def received_bytes(self) -> int:
        return self.stream.received_bytes - self.asked_from_bytes + self.stream.discarded_bytes

    @property
    def fields(self) -> Mapping[str, str]:
        media = self.stream.media
        if self.hop.target.host == media.host:
            return media.http_headers
        # Cookies are those of the format's own host, and go to no other.
        return {name: value for name, value in media.http_headers.items() if name.lower() != "cookie"}

    @property
    def is_end_told(self) -> bool:
        """Whether the answer says that the file ends with the bytes that came before this request."""
        status = self.head.status
        if self.segment is not None or not self.asked_from_bytes or not self.head.is_finished:
            return False
        if status == RANGE_NOT_SATISFIABLE:
            told_bytes = self.head.size_bytes
            return told_bytes == self.asked_from_bytes or (told_bytes is None and self.stream.size_bytes is None)
        # Behind an answer that was shorter than asked, servers also send the whole file once more, or nothing.
        return self.stream.is_short and status in ENDING and not (status == 206 and self.received_bytes)

    @property
    def is_short(self) -> bool:
        """Whether less came than was asked for, of a file whose size nobody has told: perhaps this was its end."""
        if self.range is None or self.segment is not None or self.stream.size_bytes is not None:
            return False
        return self.received_bytes <= self.range[1] - self.range[0]

    @property
    def is_whole_file(self) -> bool:
        """Whether the answer was not a range of the file."""
        return self.range is None or self.head.status == 200

    @property
    def is_taken_back(self) -> bool:
        """Whether the host refuses to go on with a file that it had begun to serve."""
        return self.asked_from_bytes > 0 and self.head.status in REFUSING

    @property
    def is_useless(self) -> bool:
        """Whether the answer's head is reason enough to end the transfer."""
        return self.stop_failure is not None or (self.is_taken_back and self.head.is_finished)

    def take_success(self) -> None:
        if self.segment is None:
            self.stream.size_bytes = self.head.size_bytes or self.stream.size_bytes
        self.stop_failure = self._body_failure()
        self.stream.is_discarding = (self.stop_failure or self.stream.doubt) is not None

    def _body_failure(self) -> Failure | None:
        """Say what the head tells against the body. What only its type tells against it is left to the first bytes."""
        stream, failure = self.stream, self.head.body_failure(self.first_byte, self.stream.trusted_type)
        if failure is None and self.segment is not None and self.range is not None and self.head.status == 200:
            failure = "bad_response", "the range was ignored"
        # What the first bytes of a coded body are, nobody can see.
        is_plain = (self.segment is not None or not self.asked_from_bytes) and self.head.coding is None
        if failure is not None and failure[0] == "wrong_content" and is_plain:
            failure = self.head.body_failure(self.first_byte, self.head.content_type)
            if failure is None:
                stream.doubt, stream.trusted_type = ("wrong_content", f"the answer is {self.head.content_type}"), None
                stream.doubted_type = self.head.content_type
        return failure


def unsent_row(channel: Channel, hop: Hop, now_s: float, dns_s: float | None, failure: Failure) -> HttpRequest:
    """Return the row of a request that never was: its host could not be looked up."""
    return HttpRequest(
        stream=channel.stream_index,
        hop=hop.number,
        host=hop.target.host,
        port=hop.target.port,
        t_s=now_s - (dns_s or 0.0),
        dns_s=dns_s,
        failure=failure[0],
        failure_detail=failure[1],
    )
