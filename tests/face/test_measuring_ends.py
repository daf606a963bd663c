"""How a measurement from Python ends, by what its process leaves: a record, a sentence, or an interrupt."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

import pytomo_scrapy as pytomo
from pytomo_scrapy.face import measuring

VIDEO = "https://www.youtube.com/watch?v=CGNIzzGfeuY"


class Process:
    """The process of a command: what it was asked, what it prints, and what it is sent."""

    def __init__(self, exit_code: int, printed: str, said: str, *, is_interrupted: bool = False) -> None:
        self.returncode, self._printed, self._said = exit_code, printed, said
        self._is_interrupted = is_interrupted
        self.words: list[str] = []
        self.options: dict[str, Any] = {}
        self.sent: list[int] = []
        self.waits: list[float | None] = []

    def __call__(self, words: list[str], **options: Any) -> Process:
        self.words, self.options = words, options
        return self

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.waits.append(timeout)
        if self._is_interrupted and len(self.waits) == 1:
            raise KeyboardInterrupt
        return self._printed, self._said

    def send_signal(self, number: int) -> None:
        self.sent.append(number)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Callable[[Process], Process]:
    def use(process: Process) -> Process:
        monkeypatch.setattr(measuring.subprocess, "Popen", process)
        return process

    return use


def test_record_is_the_last_line_that_was_printed(started: Callable[[Process], Process]) -> None:
    record = {"uuid": "u", "failure": None, "playbacks": [], "downloads": []}
    process = started(Process(0, f"Deprecated: something\n{json.dumps(record)}\n\n", "a warning of somebody\n"))
    assert pytomo.measure(VIDEO, pace_s=1, database=None).uuid == "u"
    _, _, module, command, *options = process.words
    assert (module, command) == ("pytomo_scrapy", "measure")
    # An address may begin with a dash, and no setting that was not named is set.
    assert options == ["--json", "-s", "PYTOMO_PACE_S=1", "--", VIDEO]


@pytest.mark.parametrize(
    ("exit_code", "printed", "said", "kind", "sentence"),
    [
        (2, "", "Measuring -.\n'-' is neither a video id nor a link.\n", pytomo.SettingError, "'-' is neither"),
        (3, "", "The database is away.\n", pytomo.PytomoError, "The database is away."),
        (3, "{}", "The disk is full.\n", pytomo.PytomoError, "The disk is full."),
        (130, "", "", pytomo.PytomoError, "The measurement left nothing."),
        (0, "  \n", "", pytomo.PytomoError, "The measurement left nothing."),
        (-9, "", "\n\n", pytomo.PytomoError, "The measurement left nothing."),
    ],
)
def test_process_that_left_no_record_is_an_error_with_its_last_sentence(
    started: Callable[[Process], Process], exit_code: int, printed: str, said: str, kind: type[Exception], sentence: str
) -> None:
    started(Process(exit_code, printed, said))
    with pytest.raises(pytomo.PytomoError) as caught:
        pytomo.measure(VIDEO)
    assert type(caught.value) is kind and str(caught.value).startswith(sentence)


def test_interrupt_ends_the_process_too_and_waits_until_it_has_stored_what_it_has(
    started: Callable[[Process], Process],
) -> None:
    process = started(Process(130, "", "", is_interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        pytomo.measure(VIDEO)
    assert process.sent == [signal.SIGINT] and process.waits == [None, 60.0]
    # A terminal's Ctrl-C does not reach it a second time.
    assert process.options["process_group"] == 0


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        # The first window's headline player stands for the session, and not another window's.
        (
            {
                "playbacks": [{"player": "classic", "place": 1, "startup_delay_s": 9.0, "stall_count": 9}],
                "downloads": [],
            },
            (None, None, None),
        ),
        (
            {
                "playbacks": [{"player": "classic", "place": 0, "startup_delay_s": 1.5, "stall_count": 2}],
                "downloads": [{"delivery_bps": 2e6}, {"delivery_bps": 9e6}],
            },
            (1.5, 2, 2e6),
        ),
        (
            {
                "playbacks": [{"player": "classic", "place": 0, "startup_delay_s": None, "stall_count": None}],
                "downloads": [{"delivery_bps": None}],
            },
            (None, None, None),
        ),
    ],
)
def test_measurement_says_what_its_first_window_gave(record: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = pytomo.Measurement({"failure": None, **record})
    assert (found.startup_delay_s, found.stall_count, found.delivery_bps) == expected


def test_measurement_in_words_is_its_video_and_its_outcome() -> None:
    video = {"service": "youtube", "video_id": "x"}
    playback = {"player": "classic", "place": 0, "startup_delay_s": 1.5, "stall_count": 2}
    found = pytomo.Measurement({"failure": None, "video": video, "playbacks": [playback], "downloads": []})
    assert repr(found) == "<Measurement youtube x: startup 1.5 s, stalls 2>"
