"""Quantiles from counts by bin against those of the sessions themselves."""

from __future__ import annotations

import numpy as np
import pytest

from pytomo_scrapy.analysis.histogram import Histogram, bin_middle
from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile


@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_quantile_of_counts_equals_that_of_sessions(ratio: float) -> None:
    # Bins 1, 2, 4 and 9; a step is twice the bin, and one more where the window was over. 16384 and the bin: failed.
    steps = {2: 3, 4: 1, 5: 2, 8: 5, 19: 1, 16384: 1, 16386: 1}
    delays = [
        Delay(float(step - 16384), False, True) if step >= 16384 else Delay(float(step // 2), step % 2 == 0)
        for step, count in steps.items()
        for _ in range(count)
    ]
    found = Histogram(np.array(list(steps)), np.array(list(steps.values()))).quantile(ratio)
    exact = incidence_quantile(incidence_curve(delays), ratio)
    assert found == (None if exact is None else bin_middle(int(exact)))
