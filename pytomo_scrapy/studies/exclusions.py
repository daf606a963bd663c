"""What a plan may leave out, by words that say it. None of them looks at the outcome."""

from __future__ import annotations

from collections.abc import Mapping

FOREIGN_TRAFFIC = "foreign_traffic"
BUSY_MACHINE = "busy_machine"
INCOMPLETE_PAIRS = "incomplete_pairs"
FAR_APART = "far_apart"

BUSY_RATIO = 0.9
FAR_APART_S = 3600

EXCLUSIONS: Mapping[str, str] = {
    FOREIGN_TRAFFIC: "something else of the machine was on the wire during the window",
    BUSY_MACHINE: f"more than {100 * BUSY_RATIO:g} % of the machine's cores were busy during the window",
    INCOMPLETE_PAIRS: "another arm of the same video and round gave no session that counts",
    FAR_APART: f"the arms of the video and round were measured more than {FAR_APART_S // 3600} h apart",
}
