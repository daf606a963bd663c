"""What controls say of a bad time: rates from other hosts right after the window, where it was still bad at its end."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.analysis.autopsy.bad_times import no_demand_s
from pytomo_scrapy.analysis.autopsy.evidence import Evidence
from pytomo_scrapy.analysis.autopsy.limits import Limits
from pytomo_scrapy.analysis.autopsy.span_facts import STEP_S, mean_bps_of, received_until
from pytomo_scrapy.items import ControlWindow


@dataclass(frozen=True, slots=True)
class ControlFacts:
    """The rates of the controls, bits per second. None: there was none, or it says nothing of this bad time."""

    fallback_bps: float | None = None
    reference_bps: float | None = None

    @property
    def best_bps(self) -> float | None:
        """Return the highest rate of a control."""
        return max((rate for rate in (self.fallback_bps, self.reference_bps) if rate is not None), default=None)

    def is_well(self, needed_bps: float | None, limits: Limits) -> bool:
        """Tell whether another host brought clearly more than playback needs."""
        best_bps = self.best_bps
        return best_bps is not None and needed_bps is not None and best_bps >= limits.spare_ratio * needed_bps

    def is_slow(self, needed_bps: float | None) -> bool:
        """Tell whether there were controls, and all of them brought less than playback needs."""
        return self.best_bps is not None and needed_bps is not None and self.best_bps < needed_bps

    def is_slow_everywhere(self, needed_bps: float | None) -> bool:
        """Tell whether a host outside the service's network was as slow: then it is neither service nor its path."""
        return self.reference_bps is not None and self.is_slow(needed_bps)


NOTHING = ControlFacts()


def control_facts(evidence: Evidence, limits: Limits) -> ControlFacts:
    """Return what the session's controls say. Nothing where its window had recovered before they began."""
    if not evidence.controls or not _is_bad_at_the_end(evidence, limits):
        return NOTHING
    rates = {control.role: _rate_bps(control, limits) for control in evidence.controls}
    return ControlFacts(rates.get("fallback"), rates.get("reference"))


def _rate_bps(control: ControlWindow, limits: Limits) -> float | None:
    """Return the rate of a control. One that failed says nothing, and a handful of bytes neither."""
    fetch = control.fetch
    if fetch.failure is not None or fetch.elapsed_s is None or fetch.rate_bps is None:
        return None
    is_long = fetch.elapsed_s >= limits.least_control_s or fetch.received_bytes >= limits.least_control_bytes
    return fetch.rate_bps if is_long else None


def _is_bad_at_the_end(evidence: Evidence, limits: Limits) -> bool:
    window, mean_bps = evidence.window, mean_bps_of(evidence.timelines)
    if window is None or window.elapsed_s is None:
        return False
    if mean_bps is None:
        return not window.received_bytes
    end_s = window.elapsed_s
    from_s = max(0.0, end_s - limits.lasting_s)
    asked_s = end_s - from_s - no_demand_s(window, from_s, end_s)
    if asked_s < (end_s - from_s) / 2:
        return False
    received = received_until(window, end_s) - received_until(window, from_s)
    return 8 * received / max(STEP_S, asked_s) < limits.starved_ratio * mean_bps
