"""The numbers of one span of a window: rates, round trips to three places of the way, loss, this machine."""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytomo_scrapy.analysis.autopsy.bad_times import BadTime, no_demand_s
from pytomo_scrapy.analysis.autopsy.evidence import Evidence
from pytomo_scrapy.analysis.autopsy.limits import Limits
from pytomo_scrapy.items import DownloadResult, LoadedRtt, MediaTimeline, Symptom

STEP_S = 0.1
# A span without a byte for this long is silent: round trips and turns of a server are shorter.
SILENT_S = 1.0
# What an interface counts for a byte of media, at least; and each segment's acknowledgement.
WIRE_RATIO, SEGMENT_BYTES, ACKNOWLEDGEMENT_BYTES = 1.06, 1448, 66
_FIRST_PROBE_S = 0.5  # measure/window/probes.py: none is sent before


@dataclass(frozen=True, slots=True)
class Level:
    """Round trips to one place of the way during a span. None: not known."""

    base_s: float | None = None  # without load
    loaded_s: float | None = None  # median of the span
    raised_ratio: float | None = None  # share of the answered probes that met a queue
    loss_ratio: float | None = None
    answered_count: int = 0
    expected_count: float = 0.0
    window_loss_ratio: float | None = None  # of the whole window
    window_count: int = 0  # probes of the whole window

    @property
    def is_known(self) -> bool:
        """Return whether probes were answered in the span."""
        return self.answered_count > 0


@dataclass(frozen=True, slots=True)
class SpanFacts:
    """What the rules compare. Rates in bits per second, of the span's time; None: not known."""

    duration_s: float
    gateway: Level
    access: Level
    host: Level
    rate_bps: float | None
    needed_bps: float | None
    mean_bps: float | None
    peak_bps: float | None  # that the media at a stall need
    silent_ratio: float
    dark_ratio: float  # of the span: silent, and nothing beyond the gateway answered for a time
    waiting_ratio: float  # of the span: asked, and the server had not begun to answer
    flowing_ratio: float  # of the span: behind the first byte, and not waiting for a server
    out_of_order_ratio: float | None
    foreign_received_bps: float | None
    foreign_sent_bps: float | None
    lost_ratio: float | None  # of the span: this process did not run, or waited for a processor
    line_bps: float | None

    @property
    def active_bps(self) -> float | None:
        """Return the rate of the time in which media could flow: without handshakes, and waits for a server."""
        return None if self.rate_bps is None else self.rate_bps / max(STEP_S, self.flowing_ratio)

    @property
    def foreign_ratio(self) -> float | None:
        """Return the share of the received bytes that other programs had."""
        if self.foreign_received_bps is None or self.rate_bps is None:
            return None
        total = self.foreign_received_bps + self.rate_bps * WIRE_RATIO
        return self.foreign_received_bps / total if total > 0 else None


def span_facts(evidence: Evidence, bad: BadTime, limits: Limits) -> SpanFacts:
    """Return the numbers of the span in which the cause of a bad time is looked for."""
    window = evidence.window
    assert window is not None
    from_s, end_s = bad.from_s, max(bad.end_s, bad.from_s + STEP_S)
    pings = {ping.role: ping.rtt_min_s for ping in evidence.pings}
    history = evidence.history
    silences = _silences(window, from_s, end_s)
    bases = {
        "gateway": (pings.get("gateway"), window.loaded_gateway.rtt_min_s, history.least("gateway_rtt_min_s")),
        "access": (window.loaded_access.rtt_min_s, history.least("access_rtt_min_s")),
        "host": (pings.get("media"), window.tcp_summary.rtt_min_s, window.loaded.rtt_min_s),
    }
    loaded = {"gateway": window.loaded_gateway, "access": window.loaded_access, "host": window.loaded}
    levels = {
        name: _level(rtts, bases[name], from_s, end_s, window.elapsed_s or 0.0, limits) for name, rtts in loaded.items()
    }
    seconds = end_s - from_s
    received = received_until(window, end_s) - received_until(window, from_s)
    foreign = _foreign_bps(window, from_s, end_s)
    mean_bps = mean_bps_of(evidence.timelines)
    return SpanFacts(
        duration_s=seconds,
        **levels,
        rate_bps=8 * received / max(STEP_S, seconds - no_demand_s(window, from_s, end_s)),
        needed_bps=_needed_bps(evidence, bad, mean_bps, limits),
        mean_bps=mean_bps,
        peak_bps=_peak_bps(evidence, bad),
        silent_ratio=sum(end - start for start, end in silences) / seconds,
        dark_ratio=_dark_s(window, silences, history.least("access_rtt_min_s") is not None, limits) / seconds,
        waiting_ratio=waiting_s(window, from_s, end_s) / seconds,
        flowing_ratio=_flowing_s(window, from_s, end_s) / seconds,
        out_of_order_ratio=_out_of_order_ratio(window, from_s, end_s),
        foreign_received_bps=foreign[0],
        foreign_sent_bps=foreign[1],
        lost_ratio=_lost_ratio(window, bad),
        line_bps=history.line_bps(limits) or window.contract_bps,
    )


def _level(
    rtts: LoadedRtt, bases: Sequence[float | None], from_s: float, end_s: float, elapsed_s: float, limits: Limits
) -> Level:
    base_s = min((value for value in bases if value is not None), default=None)
    inside = [
        rtt_s for sent_s, rtt_s in zip(rtts.sample_s, rtts.sample_rtt_s, strict=True) if from_s <= sent_s <= end_s
    ]
    asked_s = max(0.0, min(end_s, elapsed_s) - max(from_s, _FIRST_PROBE_S))
    expected = (rtts.sent_count or 0) * asked_s / max(STEP_S, elapsed_s - _FIRST_PROBE_S)
    lost = expected - len(inside)
    raised = None
    if base_s is not None and len(inside) >= limits.least_sample_count:
        edge_s = base_s + max(limits.queue_s, limits.queue_ratio * base_s)
        raised = sum(rtt_s >= edge_s for rtt_s in inside) / len(inside)
    return Level(
        base_s=base_s,
        loaded_s=statistics.median(inside) if inside else None,
        raised_ratio=raised,
        # A probe at the span's edge may count as asked here and answered there.
        loss_ratio=None if expected < limits.least_sample_count else max(0.0, (lost - 1) / expected),
        answered_count=len(inside),
        expected_count=expected,
        window_loss_ratio=_window_loss_ratio(rtts),
        window_count=rtts.sent_count or 0,
    )


def _window_loss_ratio(rtts: LoadedRtt) -> float | None:
    if not rtts.sent_count or rtts.received_count is None:
        return None
    # The last one may have been under way when the window ended.
    return max(0, rtts.sent_count - rtts.received_count - 1) / rtts.sent_count


def received_until(window: DownloadResult, t_s: float) -> int:
    """Return the media bytes of all streams that had arrived at a time of the window."""
    total = 0
    for stream in window.streams:
        count = bisect_right(stream.arrival_s, t_s)
        total += stream.arrival_bytes[count - 1] if count else 0
    return total


def mean_bps_of(timelines: Sequence[MediaTimeline]) -> float | None:
    """Return the mean rate of the media, all streams together. None where one is not known."""
    rates = [timeline.bitrate_bps for timeline in timelines]
    return sum(rates) if rates and all(rates) else None  # type: ignore[arg-type]


def _needed_bps(evidence: Evidence, bad: BadTime, mean_bps: float | None, limits: Limits) -> float | None:
    """Return the rate below which playback starves; a start needs its first buffer within what counts as fast."""
    playback = evidence.playback
    if bad.symptom is not Symptom.STARTUP or playback is None or not playback.initial_buffer_bytes:
        return mean_bps
    return max(mean_bps or 0.0, 8 * playback.initial_buffer_bytes / limits.slow_startup_s)


def _peak_bps(evidence: Evidence, bad: BadTime) -> float | None:
    """Return the rate of the media that were awaited from the span's begin to just behind the stall."""
    playback = evidence.playback
    if bad.symptom is not Symptom.STALL or playback is None or not evidence.timelines:
        return None
    stood_s = sum(stall.duration_s for stall in playback.stalls if stall.start_s < bad.start_s)
    at_s = bad.start_s - (playback.startup_delay_s or 0.0) - stood_s
    first_s, last_s = max(0.0, at_s - (bad.start_s - bad.from_s)), at_s + bad.duration_s
    if last_s <= first_s:
        return None
    total = 0
    for timeline in evidence.timelines:
        if not timeline.offset_bytes:
            return None
        total += _offset_at(timeline, last_s) - _offset_at(timeline, first_s)
    return 8 * total / (last_s - first_s)


def _offset_at(timeline: MediaTimeline, media_s: float) -> int:
    place = bisect_left(timeline.complete_s, media_s)
    return timeline.offset_bytes[min(place, len(timeline.offset_bytes) - 1)]


def _silences(window: DownloadResult, from_s: float, end_s: float) -> list[tuple[float, float]]:
    """Return the times of the span, each of a second or more, in which no byte came though some were asked for."""
    times = sorted(t_s for stream in window.streams for t_s in stream.arrival_s if from_s < t_s < end_s)
    edges = [from_s, *times, end_s]
    gaps = [(start, end) for start, end in pairwise(edges) if end - start >= SILENT_S]
    return [(start, end) for start, end in gaps if no_demand_s(window, start, end) < (end - start) / 2]


def _dark_s(window: DownloadResult, silences: Sequence[tuple[float, float]], has_access: bool, limits: Limits) -> float:
    """Return the length of the silences in which neither media host nor access line answered for a time.

    All of such a silence counts: a sender waits longer and longer before it tries again. The line's far end says so
    only where it answers at other times.
    """
    access, host, elapsed_s = window.loaded_access, window.loaded, window.elapsed_s or 0.0
    if not host.sent_count or not (access.received_count or has_access):
        return 0.0
    per_s = (host.sent_count + (access.sent_count or 0)) / max(STEP_S, elapsed_s - _FIRST_PROBE_S)
    answered = sorted((*access.sample_s, *host.sample_s))
    total_s = 0.0
    for start, end in silences:
        inside = [sent_s for sent_s in answered if start < sent_s < end]
        edges = [max(start, _FIRST_PROBE_S), *inside, end]
        # What was asked last may still be under way when the silence ends.
        if any((after - before) * per_s >= limits.least_dark_count for before, after in pairwise(edges)):
            total_s += end - start
    return total_s


def waiting_s(window: DownloadResult, from_s: float, end_s: float) -> float:
    """Return the time of the span in which a request waited for the first byte of its answer and nothing else came."""
    spans = []
    for request in window.requests:
        if request.t_s is None:
            continue
        sent_s = request.t_s + (request.connect_s or 0.0) + (request.tls_s or 0.0)
        if request.first_byte_s is not None:
            spans.append((sent_s, sent_s + request.first_byte_s))
        elif request.status is None and request.total_s is not None and request.received_bytes == 0:
            spans.append((sent_s, request.t_s + request.total_s))
    times = sorted(t_s for stream in window.streams for t_s in stream.arrival_s)
    total, step_s = 0.0, STEP_S
    steps = int((end_s - from_s) / step_s)
    for index in range(steps):
        start = from_s + index * step_s
        is_quiet = bisect_left(times, start) == bisect_right(times, start + step_s)
        if is_quiet and any(begin <= start + step_s / 2 <= end for begin, end in spans):
            total += step_s
    return total


def _flowing_s(window: DownloadResult, from_s: float, end_s: float) -> float:
    first_s = window.first_byte_s if window.first_byte_s is not None else end_s
    begin_s = min(end_s, max(from_s, first_s))
    return end_s - begin_s - waiting_s(window, begin_s, end_s)


def _out_of_order_ratio(window: DownloadResult, from_s: float, end_s: float) -> float | None:
    segments, late = 0.0, 0
    for connection in window.tcp:
        times = connection.sample_s
        if not times:
            continue
        first, last = max(0, bisect_left(times, from_s) - 1), min(len(times) - 1, bisect_right(times, end_s))
        size = connection.maximum_segment_bytes or SEGMENT_BYTES
        segments += (connection.sample_received_bytes[last] - connection.sample_received_bytes[first]) / size
        late += connection.sample_out_of_order_count[last] - connection.sample_out_of_order_count[first]
    return late / segments if segments >= 10 else None


def _foreign_bps(window: DownloadResult, from_s: float, end_s: float) -> tuple[float | None, float | None]:
    """Return what other programs of this machine received and sent: the interface's count less our own."""
    samples = window.host_samples
    if len(samples.sample_s) < 2 or from_s >= samples.sample_s[-1]:
        return None, None
    first = max(0, bisect_right(samples.sample_s, from_s) - 1)
    last = min(len(samples.sample_s) - 1, bisect_left(samples.sample_s, end_s))
    seconds = samples.sample_s[last] - samples.sample_s[first]
    if seconds <= 0:
        return None, None
    own = _own_bytes(window, samples.sample_s[last]) - _own_bytes(window, samples.sample_s[first])
    received = samples.received_bytes[last] - samples.received_bytes[first] - own * WIRE_RATIO
    if any(connection.out_of_order_count for connection in window.tcp):
        # Behind a gap the kernel holds up to a receive window that it does not count as received yet.
        received -= window.tcp_summary.receive_window_max_bytes or 0
    acknowledged = own / SEGMENT_BYTES * ACKNOWLEDGEMENT_BYTES
    sent = samples.sent_bytes[last] - samples.sent_bytes[first] - acknowledged
    return 8 * max(0.0, received) / seconds, 8 * max(0.0, sent) / seconds


def _own_bytes(window: DownloadResult, t_s: float) -> int:
    """Return what the kernel had received for us: more than the bodies, by what is not decrypted yet."""
    if not any(connection.sample_s for connection in window.tcp):
        return received_until(window, t_s)
    total = 0
    for connection in window.tcp:
        count = bisect_right(connection.sample_s, t_s)
        total += connection.sample_received_bytes[count - 1] if count else 0
    return total


def _lost_ratio(window: DownloadResult, bad: BadTime) -> float | None:
    """Return the share of the bad time, or of the span before it, in which this process could not run."""
    samples, elapsed_s = window.host_samples, window.elapsed_s or 0.0
    if len(samples.sample_s) < 2:
        state = window.host_state
        lost = [value for value in (state.cpu_waited_s, state.probe_paused_s, state.cpu_throttled_s) if value]
        return min(1.0, max(lost) / elapsed_s) if lost and elapsed_s > 0 else None
    return max(_lost_between(window, bad.from_s, bad.end_s), _lost_between(window, bad.start_s - SILENT_S, bad.end_s))


def _lost_between(window: DownloadResult, from_s: float, end_s: float) -> float:
    samples = window.host_samples
    first = max(0, bisect_right(samples.sample_s, from_s) - 1)
    last = min(len(samples.sample_s) - 1, bisect_left(samples.sample_s, end_s))
    seconds = samples.sample_s[last] - samples.sample_s[first]
    if seconds <= 0:
        return 0.0
    lost = [series[last] - series[first] for series in (samples.waited_s, samples.paused_s)]
    return min(1.0, max(lost) / seconds)
