"""The media hosts that the lab's worlds share: one for each way in which a cache may behave, one for each fault."""

from __future__ import annotations

from pytomo_scrapy.lab.faults import CircularRedirect, Fault, HostFault, host_faults
from pytomo_scrapy.lab.model import LOOPBACK_V6, MediaHost, RateRule

FAST = ("rr1---sn-25ge7nsk", "rr2---sn-25ge7nsk", "rr3---sn-25ge7nsk", "rr5---sn-25ge7nsd")
TWO_MBIT = "rr1---sn-4g5edns6"
FIVE_MBIT = "rr2---sn-4g5edns6"
HALF = "rr1---sn-h5q7knes"
TENFOLD = "rr2---sn-h5q7knes"
EVEN = "rr3---sn-h5q7knes"
THREEFOLD = "rr4---sn-h5q7knes"
FALLING = "rr5---sn-h5q7knes"
SAWTOOTH = "rr1---sn-p5qlsn6s"
OUTAGE = "rr2---sn-p5qlsn6s"
REDIRECTING = "rr1---sn-npoldn7s"
CANONICAL = "rr4---sn-2o25g5-55"
SLOW_START = "rr3---sn-p5qddn7k"
INTERRUPTED = "rr4---sn-p5qddn7k"
# Caches that take any TLS name: behind a shaper that slows their own, and behind none.
SHAPED_BY_NAME = "rr1---sn-names"
ANY_NAME = "rr2---sn-names"

# Rates at which the rungs of a ladder fall to the host, one after the other, and the host of each.
LADDER_RATES_BPS = {
    f"rr{number}---sn-ladder": rate_bps
    for number, rate_bps in enumerate((300_000, 800_000, 1_500_000, 3_000_000, 6_000_000, 20_000_000), start=1)
}

_DOMAIN = ".googlevideo.com"
_MBIT = 1e6

# A home's line. Players were recorded on faster ones, so that what is measured on these hosts counts as validated.
_HOME_LINE = RateRule(steps=((0.0, 50 * _MBIT),))

# From 0.2 to 2 Mbit/s and back within 10 s: around the rate of the lab's clips, so that players stall and recover.
_SAWTOOTH_STEPS = tuple((float(second), (0.2 + 0.36 * min(second, 10 - second)) * _MBIT) for second in range(10))


def full_name(label: str) -> str:
    """Return the domain name of the cache called `label`."""
    return label + _DOMAIN


# Caches that a redirect may lead to.
SOUND = frozenset(full_name(label) for label in FAST)


def common_hosts() -> dict[str, MediaHost]:
    """Return every cache without a fault, by its name."""
    rules: dict[str, RateRule] = {
        **dict.fromkeys(FAST, _HOME_LINE),
        TWO_MBIT: RateRule(steps=((0.0, 2 * _MBIT),)),
        FIVE_MBIT: RateRule(steps=((0.0, 5 * _MBIT),)),
        HALF: RateRule(clip_ratio=0.5),
        TENFOLD: RateRule(clip_ratio=10.0),
        SAWTOOTH: RateRule(steps=_SAWTOOTH_STEPS, period_s=10.0),
        OUTAGE: RateRule(steps=((0.0, 1 * _MBIT), (3.0, 0.0), (9.0, 4 * _MBIT))),
        REDIRECTING: _HOME_LINE,
        CANONICAL: _HOME_LINE,
        SLOW_START: _HOME_LINE,
        # Two or three seconds of media (0.7 Mbit/s with its sound), then nothing, then plenty: a stall within five.
        INTERRUPTED: RateRule(steps=((0.0, 2.8 * _MBIT), (1.0, 0.0), (4.5, 20 * _MBIT))),
        EVEN: RateRule(clip_ratio=1.0),
        THREEFOLD: RateRule(clip_ratio=3.0),
        # Plenty for a first answer of a ladder, and from before the second one on enough for a low quality alone.
        FALLING: RateRule(steps=((0.0, 50 * _MBIT), (1.0, 1.6 * _MBIT))),
        **{label: RateRule(steps=((0.0, float(rate_bps)),)) for label, rate_bps in LADDER_RATES_BPS.items()},
        SHAPED_BY_NAME: RateRule(steps=((0.0, 8 * _MBIT),)),
        ANY_NAME: RateRule(steps=((0.0, 8 * _MBIT),)),
    }
    named_rates = {SHAPED_BY_NAME: RateRule(steps=((0.0, 4 * _MBIT),)), ANY_NAME: rules[ANY_NAME]}
    hosts: dict[str, MediaHost] = {}
    for number, (label, rate) in enumerate(rules.items(), start=1):
        name = full_name(label)
        hosts[name] = MediaHost(
            name=name,
            address=f"127.42.0.{number}",
            rate=rate,
            redirects_to=full_name(FAST[0]) if label == REDIRECTING else None,
            cname=full_name(label.replace("---", ".")) if label == CANONICAL else None,
            first_byte_delay_s=0.8 if label == SLOW_START else 0.0,
            # The one address of all would have to tell them apart by the name.
            address_v6=None if label in named_rates else LOOPBACK_V6,
            named_rate=named_rates.get(label),
        )
    return hosts


def fault_host_name(fault: str) -> str:
    """Return the name of the media host that has `fault`; its videos must be given this host."""
    return full_name(f"rr9---sn-{fault.replace('_', '-')}")


# A good host whose UDP answers from the name servers are always truncated, and a good one that has IPv6 too.
TRUNCATED_HOST_NAME = fault_host_name("dns_truncated")
DUAL_STACK_HOST_NAME = fault_host_name("dual_stack")


def host_fault(name: str) -> Fault | None:
    """Return the fault that the host called `name` has of itself. None for a good host, and for a fault's partner."""
    return next((fault for fault in host_faults() if fault_host_name(fault.name) == name), None)


def partner_name(fault: str) -> str:
    """Return the name of the second host of a circular redirect; the first one is called `fault_host_name(fault)`."""
    return fault_host_name(fault).replace("rr9---", "rr10---")


def special_hosts(prefix: str = "127.42.9.") -> dict[str, MediaHost]:
    """Return the hosts of all faults that have their own, and those that only the name servers treat differently."""
    faults = sorted(host_faults(), key=lambda fault: fault.name)
    single = [fault for fault in faults if not isinstance(fault, CircularRedirect)]
    # Something always listens on the one IPv6 address: a host that refuses has none.
    hosts = [
        MediaHost(
            fault_host_name(fault.name),
            f"{prefix}{number}",
            _HOME_LINE,
            address_v6=None if isinstance(fault, HostFault) else LOOPBACK_V6,
        )
        for number, fault in enumerate(single, start=1)
    ]
    hosts.append(MediaHost(TRUNCATED_HOST_NAME, f"{prefix}{len(hosts) + 1}", _HOME_LINE, address_v6=LOOPBACK_V6))
    hosts.append(MediaHost(DUAL_STACK_HOST_NAME, f"{prefix}20", _HOME_LINE, address_v6=LOOPBACK_V6))
    circular = [fault.name for fault in faults if isinstance(fault, CircularRedirect)]
    for number, name in enumerate(circular):
        pair = fault_host_name(name), partner_name(name)
        for host, (here, there) in enumerate((pair, pair[::-1]), start=21 + 2 * number):
            hosts.append(MediaHost(here, f"{prefix}{host}", redirects_to=there, address_v6=LOOPBACK_V6))
    return {host.name: host for host in hosts}


def describe_rate(rate: RateRule) -> str:
    """Say in words how fast a host is."""
    if rate.clip_ratio is not None:
        return f"{rate.clip_ratio:g} times the clip's own rate"
    if not rate.steps:
        return "no limit"
    if len(rate.steps) == 1:
        return f"{rate.steps[0][1] / _MBIT:g} Mbit/s"
    rates = [bps / _MBIT for _, bps in rate.steps]
    if len(rates) > 4:
        return f"{len(rates)} rates from {min(rates):g} to {max(rates):g} Mbit/s, again every {rate.period_s:g} s"
    steps = ", ".join(f"{bps / _MBIT:.3g} from {from_s:g} s" for from_s, bps in rate.steps)
    again = f", again every {rate.period_s:g} s" if rate.period_s else ""
    return f"Mbit/s: {steps}{again}"
