"""What the numbers behind a verdict are called where a person reads them. Their units follow from their names."""

from __future__ import annotations

from collections.abc import Mapping

from pytomo_scrapy.items.in_words import milliseconds, number

# Every name that a rule gives a number, in the order of the rules (`pytomo_scrapy/analysis/autopsy/`).
EVIDENCE: Mapping[str, str] = {
    "silent_resolvers": "silent resolvers",
    "lost_ratio": "time in which the measurement could not run",
    "probe_gap_s": "longest time in which it did not run",
    "cpu_ratio": "processor it used",
    "dark_ratio": "time without a byte or an answer from beyond the gateway",
    "silent_ratio": "time without a byte",
    "foreign_received_bps": "received by other programs",
    "foreign_sent_bps": "sent by other programs",
    "foreign_ratio": "other programs' share of what was received",
    "rate_bps": "rate that came",
    "needed_bps": "rate that playback needs",
    "gateway_rtt_s": "round trip to the gateway",
    "gateway_idle_rtt_s": "the same when idle",
    "gateway_loss_ratio": "probes to the gateway lost",
    "wifi_signal_dbm": "Wi-Fi signal",
    "link_rate_bps": "rate of the interface",
    "mean_bps": "mean rate of the video",
    "peak_bps": "rate of this part of it",
    "access_rtt_s": "round trip to the line's far end",
    "access_idle_rtt_s": "the same when idle",
    "access_loss_ratio": "probes to the line's far end lost",
    "line_bps": "rate that this line reaches",
    "host_rtt_s": "round trip to this host",
    "host_idle_rtt_s": "the same when idle",
    "host_loss_ratio": "probes to this host lost",
    "out_of_order_ratio": "segments out of order",
    "usual_rtt_s": "round trip to other hosts when idle",
    "waiting_ratio": "time spent waiting for the server",
    "fallback_bps": "rate from the service's second cache, right after",
    "reference_bps": "rate from the reference, right after",
}

# What was bad.
SYMPTOMS: Mapping[str, str] = {
    "startup": "slow start",
    "stall": "stall",
    "failed_start": "failed start",
}

# What a start consists of.
STARTUP_PARTS: Mapping[str, str] = {
    "resolution": "finding the media",
    "dns": "name look-up",
    "connect": "connection",
    "tls": "TLS handshake",
    "server_wait": "wait for the server",
    "slow_start": "first bytes, while TCP speeds up",
    "transfer": "transfer",
}


def evidence_words(evidence: Mapping[str, float] | None) -> str:
    """Write the numbers behind a verdict: round trip to this host 0.03 ms; the same when idle 0.02 ms."""
    return "; ".join(f"{EVIDENCE.get(name, name)} {_written(name, value)}" for name, value in (evidence or {}).items())


def startup_words(parts: Mapping[str, float] | None) -> str:
    """Write how long each part of a start took that took any time."""
    taken = {name: value for name, value in (parts or {}).items() if value > 0}
    return ", ".join(f"{STARTUP_PARTS.get(name, name)} {_length(value)}" for name, value in taken.items())


def _written(name: str, value: float) -> str:
    if name.endswith("_ratio"):
        return f"{number(100 * value, 1)} %"
    if name.endswith("_bps"):
        return f"{number(value / 1e6)} Mbit/s"
    if name.endswith("_rtt_s"):
        return milliseconds(value)
    if name.endswith("_s"):
        return _length(value)
    return f"{value:g} dBm" if name.endswith("_dbm") else f"{value:g}"


def _length(value_s: float) -> str:
    return f"{number(value_s)} s" if value_s >= 0.1 else milliseconds(value_s)
