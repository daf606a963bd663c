"""The autonomous system of an address: from the user's own file, or (opt-in) from Team Cymru's DNS zones.

An address is asked for by its /24 or /48, and an answer holds for its whole prefix for a day: a crawl asks once per
prefix. Private, loopback and other special addresses are never sent to anybody.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dns.message
import dns.rcode
import dns.rdatatype

# dnspython loads a record type when it first meets it: not in a thread that has a deadline.
import dns.rdtypes.ANY.TXT

from pytomo_scrapy.config import NetworkConfig
from pytomo_scrapy.failures import MeasurementError, SettingError
from pytomo_scrapy.items import Network
from pytomo_scrapy.measure.dns.transports import ask, make_query
from pytomo_scrapy.measure.net.clock import Clock

if TYPE_CHECKING:
    import maxminddb

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# The longest prefixes that the Internet's routers accept: a longer one would only tell a third party more.
_ASKED_LENGTH = {4: 24, 6: 48}
_ORIGIN_ZONE = {4: "origin.asn.cymru.com", 6: "origin6.asn.cymru.com"}
_KEPT_S = 86_400.0
_KEPT_COUNT = 4096
# After silence nothing is asked for so long: it must not cost every video its time-out.
_LEFT_ALONE_S = 600.0
# Names of the same facts in the files that are around: MaxMind and DB-IP, IPinfo.
_NUMBER_NAMES = ("autonomous_system_number", "asn")
_HOLDER_NAMES = ("autonomous_system_organization", "as_name", "name")


@dataclass(frozen=True, slots=True)
class _Kept:
    network: Network
    since_s: float


class NetworkFinder:
    """Finds the networks of addresses; one a crawl, for what it has asked it asks no more. Not for several threads."""

    def __init__(self, config: NetworkConfig, *, clock: Clock = time.monotonic) -> None:
        """Open the file. Raises SettingError if it is none of addresses."""
        self._config = config
        self._clock = clock
        self._file = _open(config.file) if config.file else None
        self._kept: dict[IPNetwork, _Kept] = {}
        self._holders: dict[int, str | None] = {}
        self._left_alone_until_s = float("-inf")

    @property
    def is_on(self) -> bool:
        """Tell whether there is anything to ask."""
        return self._file is not None or self._config.has_cymru

    def find(self, addresses: Iterable[str]) -> tuple[Network, ...]:
        """Return a network for each distinct address that one is known of; the file is asked first.

        Blocks, and returns within the DNS time-out + 0.25 s. Raises nothing for trouble on the network: an address
        without an answer is left out.
        """
        found: dict[str, Network] = {}
        asked: dict[str, IPAddress] = {}
        for address in dict.fromkeys(addresses):
            try:
                parsed = ipaddress.ip_address(address)
            except ValueError:
                continue
            network = self._of_file(parsed)
            if network is not None:
                found[address] = network
            elif self._config.has_cymru and parsed.is_global:
                asked[address] = parsed
        for address, network in self._of_cymru(asked).items():
            found[address] = replace(network, address=address)
        return tuple(found.values())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _of_file(self, address: IPAddress) -> Network | None:
        if self._file is None:
            return None
        try:
            record, length = self._file.get_with_prefix_len(str(address))
        except (ValueError, RuntimeError):
            return None  # an IPv6 address and a file of IPv4 alone, or a damaged place in the file
        if not isinstance(record, Mapping):
            return None
        number = _number(next((record[name] for name in _NUMBER_NAMES if name in record), None))
        holder = next((record[name] for name in _HOLDER_NAMES if record.get(name)), None)
        prefix = str(ipaddress.ip_network(f"{address}/{length}", strict=False))
        return Network(str(address), number, (), prefix, str(holder) if holder else None, "mmdb") if number else None

    def _of_cymru(self, addresses: Mapping[str, IPAddress]) -> dict[str, Network]:
        asked = {_asked_network(one) for one in addresses.values() if self._recall(one) is None}
        if asked and self._clock() >= self._left_alone_until_s:
            self._ask_all(asked)
        known = {address: self._recall(parsed) for address, parsed in addresses.items()}
        return {address: network for address, network in known.items() if network is not None}

    def _recall(self, address: IPAddress) -> Network | None:
        """Return what is kept of the longest prefix around an address."""
        around = ipaddress.ip_network(address)
        for length in range(_ASKED_LENGTH[address.version], -1, -1):
            kept = self._kept.get(around.supernet(new_prefix=length))
            if kept is not None and self._clock() - kept.since_s < _KEPT_S:
                return kept.network
        return None

    def _ask_all(self, asked: Iterable[IPNetwork]) -> None:
        answers: list[tuple[IPNetwork, Network]] = []
        failed: list[str] = []

        def work(subject: IPNetwork, until_s: float) -> None:
            try:
                answers.append(self._ask_one(subject, until_s))
            except (MeasurementError, ValueError) as error:
                failed.append(str(error))

        until_s = time.monotonic() + self._config.dns.timeout_s
        threads = [threading.Thread(target=work, args=(one, until_s), name="as", daemon=True) for one in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until_s + 0.25 - time.monotonic()))
        # A list that a late thread still appends to is copied first.
        for prefix, network in list(answers):
            self._kept.pop(prefix, None)
            self._kept[prefix] = _Kept(network, self._clock())
        while len(self._kept) > _KEPT_COUNT:
            del self._kept[next(iter(self._kept))]
        if failed or any(thread.is_alive() for thread in threads):
            self._left_alone_until_s = self._clock() + _LEFT_ALONE_S

    def _ask_one(self, subject: IPNetwork, until_s: float) -> tuple[IPNetwork, Network]:
        reversed_name = subject.network_address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        answer = self._ask_text(f"{reversed_name}.{_ORIGIN_ZONE[subject.version]}", until_s)
        if answer is None:
            return subject, Network("", source="cymru")
        prefix, numbers = read_origin(answer)
        holder = self._holder(numbers[0], until_s)
        # A prefix longer than what is asked for would never be found again.
        kept = prefix if prefix.prefixlen <= subject.prefixlen else subject
        return kept, Network("", numbers[0], numbers[1:], str(prefix), holder, "cymru")

    def _holder(self, number: int, until_s: float) -> str | None:
        if number not in self._holders:
            try:
                answer = self._ask_text(f"AS{number}.asn.cymru.com", until_s)
            except MeasurementError:
                return None
            words = [word.strip() for word in answer.split("|")] if answer else []
            self._holders[number] = words[-1] if len(words) == 5 and words[-1] else None
        return self._holders[number]

    def _ask_text(self, name: str, until_s: float) -> str | None:
        """Return the first text at a name. None where there is none. Raises MeasurementError for silence."""
        query = make_query(name, "TXT")
        message = ask(query, self._config.dns.resolvers[0], max(0.05, until_s - time.monotonic()), self._clock).message
        if message.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            raise MeasurementError("dns_servfail", dns.rcode.to_text(message.rcode()))
        return next(_texts(message), None)


def read_origin(answer: str) -> tuple[IPNetwork, tuple[int, ...]]:
    """Read "13335 13336 | 104.16.0.0/13 | US | arin | 2014-03-28". Raises ValueError for anything else."""
    words = [word.strip() for word in answer.split("|")]
    numbers = tuple(int(word) for word in words[0].split())
    if len(words) < 2 or not numbers:
        raise ValueError(f"no origin: {answer!r}")
    return ipaddress.ip_network(words[1]), numbers


def _texts(message: dns.message.Message) -> Any:
    for rrset in message.answer:
        if rrset.rdtype == dns.rdatatype.TXT:
            for record in rrset:
                yield b"".join(record.strings).decode("utf-8", "replace")


def _asked_network(address: IPAddress) -> IPNetwork:
    return ipaddress.ip_network(f"{address}/{_ASKED_LENGTH[address.version]}", strict=False)


def _number(value: Any) -> int | None:
    """Read 15169 or "AS15169". 0 is no number: it stands for "not announced"."""
    text = str(value or "").upper().removeprefix("AS")
    return int(text) or None if text.isascii() and text.isdigit() else None


def _open(path: str) -> maxminddb.Reader:
    # Imported late: only a crawl with a file of its own needs it.
    import maxminddb

    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise SettingError(
            f"PYTOMO_AS_FILE={path!r} is not usable: it must be an mmdb file of AS numbers ({error})."
        ) from None
