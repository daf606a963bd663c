"""Mean opinion score from stalls alone, where its study defines one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytomo_scrapy.items import Interval

CLIP_S = (25.0, 35.0)  # the study's clips lasted about 30 s
STALL_S = (1.0, 6.0)  # mean lengths of its stalls
MAX_STALLS = 6


def mos_stalling_hossfeld2011(stalls: Sequence[Interval], exposure_s: float) -> float | None:
    """Return MOS = 3.50 exp(-(0.15 L + 0.19) N) + 1.50 for N stalls of mean length L seconds.

    None outside what the study covered: clips of about 30 s, at most six stalls of 1 to 6 s in the mean, none open.

    Source: Hossfeld et al., "Quantification of YouTube QoE via Crowdsourcing", IEEE ISM 2011. The coefficients agree in
    two independent implementations; the paper's own page was not seen.
    """
    if not CLIP_S[0] <= exposure_s <= CLIP_S[1] or len(stalls) > MAX_STALLS or any(s.is_open for s in stalls):
        return None
    if not stalls:
        return 5.0
    mean_s = sum(stall.duration_s for stall in stalls) / len(stalls)
    if not STALL_S[0] <= mean_s <= STALL_S[1]:
        return None
    return 3.50 * math.exp(-(0.15 * mean_s + 0.19) * len(stalls)) + 1.50
