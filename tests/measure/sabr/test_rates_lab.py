"""Both transports from hosts at 0.5, 1 and 10 times the clip's rate: the same startup and stalls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.measure.sabr.sabr_windows import SabrLab, running_sabr_lab

pytestmark = [pytest.mark.lab, pytest.mark.process, pytest.mark.alone]

TOLERANCE_S = 0.3
# A machine busy with something else delays the lab itself: such a round says nothing, and is done again.
MAX_ROUNDS = 3


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SabrLab]:
    with running_sabr_lab(str(tmp_path_factory.mktemp("spool"))) as running:
        yield running


# At half the rate every player has to have started, and to have stalled, before the window ends.
@pytest.mark.parametrize(("times", "window_s"), [("half", 20.0), ("once", 9.0), ("ten times", 7.0)])
def test_pinned_sabr_starts_and_stalls_as_the_plain_paced_window_does(
    lab: SabrLab, times: str, window_s: float
) -> None:
    words = f"from a host at {times} the clip's rate"
    for _ in range(MAX_ROUNDS):
        plain, sabr = (lab.window(words, transport, window_s=window_s) for transport in ("plain", "sabr"))
        if plain.result.failure is None and sabr.result.failure is None:
            break
    assert (plain.result.mode, sabr.result.mode) == ("paced", "paced")
    for player in ("dashjs", "shaka", "exo", "youtube"):
        one, other = plain.played(player), sabr.played(player)
        assert one.startup_delay_s is not None and other.startup_delay_s is not None
        assert other.startup_delay_s == pytest.approx(one.startup_delay_s, abs=TOLERANCE_S), player
        assert abs((other.stall_count or 0) - (one.stall_count or 0)) <= 1, player
    if times == "half":
        assert (sabr.players["dashjs"].stall_count or 0) > 0  # else the comparison would say nothing
    else:
        longest_s = max(segment.duration_s for timeline in sabr.timelines for segment in timeline.segments)
        assert (sabr.result.sabr.ahead_max_s or 0.0) <= 15.0 + longest_s + 0.01
