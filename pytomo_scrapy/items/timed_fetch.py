"""Media that were fetched for a few seconds beside the windows: what a control, or half of a pair of names, brought."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytomo_scrapy.items.stored import about, failure_detail, failure_of, part, stored

SAMPLE_S = 0.05  # width of a sample of `sample_bytes`

_NOT_THERE = "no connection came to be"


@dataclass(frozen=True, slots=True)
class TimedFetch:
    """One request for bytes, for a fixed time at most, over a connection of its own."""

    host: str | None = stored(None, "host whose media were asked for", null="no host was known")
    address: str | None = stored(None, "address that was connected to", null="the host was not found")
    sent_name: str | None = stored(
        None, "name that TLS named (SNI), as it was sent", null="none was sent: no TLS, or no connection"
    )
    connect_s: float | None = stored(None, "time until TCP was connected", null=_NOT_THERE)
    tls_s: float | None = stored(None, "time from there until TLS was up", null="no TLS came to be")
    first_byte_s: float | None = stored(
        None, "time from the request to the first byte of the body", null="no byte of a body came"
    )
    elapsed_s: float | None = stored(None, "time from the request to its end", null="nothing was asked for")
    received_bytes: int = stored(0, "bytes of the body that arrived")
    rate_bps: float | None = stored(
        None, "bytes of the body by the time from the request on", null="no byte of a body came"
    )
    rtt_min_s: float | None = stored(
        None, "shortest round trip that the kernel saw", null="not Linux, or no connection came to be"
    )
    out_of_order_ratio: float | None = stored(
        None, "segments that came out of order, of all with data", null="not Linux, or no segment came"
    )
    sample_bytes: tuple[int, ...] = stored(
        (), "bytes of each 0.05 s from the first byte of the body on, the last one whole", unit="JSON, bytes"
    )
    failure: str | None = failure_of("this row")
    failure_detail: str | None = failure_detail()


@dataclass(frozen=True, slots=True)
class ControlWindow:
    """Media from another host, right after a bad window: whether others were well then."""

    role: str = field(
        metadata=about(
            "what the control is: fallback (the second cache that the media URL names), reference (the URL of "
            "`PYTOMO_CONTROL_REFERENCE_URL`)"
        )
    )
    t_s: float | None = stored(None, "when it began", null="never", unit="s from the item's start")
    fetch: TimedFetch = part(TimedFetch())
