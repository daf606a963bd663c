"""What came of a session: the headline, the join time, the sentence."""

from __future__ import annotations

import pytest

from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.outcome import headline, join_time_s, sentence
from tests.factories import make_dns, make_download, make_item, make_playback, make_resolve, make_timeline


def test_too_few_bytes_are_the_lines_fault_and_no_failure_of_the_media() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=(make_download(),))
    late = make_playback(is_started=False, startup_delay_s=None, failure="no_media_data")
    session.add_playbacks(item, (make_timeline(failure="no_media_data"),), (late,))
    assert item.failure is None
    assert headline(item) is late
    assert "not started within 30 s" in sentence(item)


def test_session_that_was_cut_off_is_not_said_to_have_waited_in_vain() -> None:
    gated = make_download(failure="media_gated", gated_at_s=0.4, gated_at_bytes=1_048_576)
    late = make_playback(is_started=False, startup_delay_s=None, horizon_s=0.4)
    said = sentence(make_item(downloads=(gated,), playbacks=(late,), failure="media_gated"))
    assert "not started" not in said
    assert "refused to go on after 1.05 MB of a stream" in said


def test_headline_is_the_fitting_players_else_the_classic_one() -> None:
    classic, dashjs = make_playback(), make_playback(player="dashjs", startup_delay_s=2.5)
    assert headline(make_item(playbacks=(classic, dashjs))) is dashjs
    assert headline(make_item(playbacks=(classic,))) is classic
    assert headline(make_item()) is None


def test_join_time_is_resolution_plus_look_up_plus_startup() -> None:
    # 0.5 s + 0.02 s + 1.5 s; the wait that the service ordered (3 s) and the pings are left out.
    item = make_item(resolve=make_resolve(available_wait_s=3.0), dns=make_dns(), playbacks=(make_playback(),))
    assert join_time_s(item) == pytest.approx(2.02)


def test_join_time_of_a_session_that_never_started_is_not_told() -> None:
    late = make_playback(is_started=False, startup_delay_s=None)
    item = make_item(resolve=make_resolve(), dns=make_dns(), playbacks=(late,))
    assert join_time_s(item) is None


@pytest.mark.parametrize("missing", [{"resolve": None}, {"dns": None}, {"dns": make_dns(elapsed_s=None)}])
def test_join_time_without_one_of_its_parts_is_not_told(missing: dict[str, object]) -> None:
    parts = {"resolve": make_resolve(), "dns": make_dns(), "playbacks": (make_playback(),), **missing}
    assert join_time_s(make_item(**parts)) is None
