"""Measure one video from Python, in a process of its own: a notebook has an event loop already."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy import config
from pytomo_scrapy.failures import PytomoError, SettingError
from pytomo_scrapy.items import headline_player
from pytomo_scrapy.storage.named_database import url_of

_USAGE = 2
_STOP_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class Measurement:
    """One stored measurement. `record` is all of it, nested as `pytomo measure --json` prints it."""

    record: Mapping[str, Any]

    @property
    def uuid(self) -> str:
        """Return its key, which `pytomo plot` takes too."""
        return str(self.record["uuid"])

    @property
    def failure(self) -> str | None:
        """Return the class of what ended the session. None where nothing did."""
        found: str | None = self.record["failure"]
        return found

    @property
    def attribution(self) -> str | None:
        """Return whose fault the failure is: network, service, content, tool or unknown. None without one."""
        found: str | None = self.record["attribution"]
        return found

    @property
    def playback(self) -> Mapping[str, Any] | None:
        """Return the playback of the first window that stands for the session. None where nothing was simulated."""
        # Of the first window: controls and the second of a pair are no part of what the viewer saw.
        by_player = {row["player"]: row for row in self.record["playbacks"] if row["place"] == 0}
        first = headline_player(by_player)
        return None if first is None else by_player[first]

    @property
    def startup_delay_s(self) -> float | None:
        """Return the time to the first picture. None where there was none inside the window."""
        return None if self.playback is None else self.playback["startup_delay_s"]

    @property
    def stall_count(self) -> int | None:
        """Return the number of stalls. None where nothing was simulated."""
        return None if self.playback is None else self.playback["stall_count"]

    @property
    def delivery_bps(self) -> float | None:
        """Return the delivery rate of the first window. None where nothing arrived."""
        windows = self.record["downloads"]
        return windows[0]["delivery_bps"] if windows else None

    def __repr__(self) -> str:
        video = self.record["video"]
        outcome = self.failure or f"startup {self.startup_delay_s} s, stalls {self.stall_count}"
        return f"<Measurement {video['service']} {video['video_id']}: {outcome}>"


def measure(url: str, **settings: Any) -> Measurement:
    """Measure one video now, store it, and return what is stored.

    Settings are named as in docs/settings.md, with or without `PYTOMO_`, in small letters too
    (`download_window_s=10`); `database` is a file or a URL. A failed session is a measurement, and no exception.
    Raises SettingError for a setting or an address that cannot be used, PytomoError where nothing could be stored.
    """
    options = [word for name, value in _settings(settings).items() for word in ("-s", f"{name}={value}")]
    words = [sys.executable, "-m", "pytomo_scrapy", "measure", "--json", *options, "--", url]
    # A group of its own: Ctrl-C of a terminal would reach it beside ours, and twice means at once.
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)
    try:
        printed, said = process.communicate()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_STOP_TIMEOUT_S)
        raise
    if process.returncode != 0 or not printed.strip():
        # What it said last is what a user of the command would have read.
        sentence = said.strip().splitlines()[-1] if said.strip() else "The measurement left nothing."
        raise (SettingError if process.returncode == _USAGE else PytomoError)(sentence)
    return Measurement(json.loads(printed.strip().splitlines()[-1]))


def _settings(given: Mapping[str, Any]) -> dict[str, str]:
    """Return settings by their full names, as a command takes them. Raises SettingError for one that there is not."""
    named: dict[str, str] = {}
    for name, value in given.items():
        full = name.upper() if name.upper().startswith("PYTOMO_") else f"PYTOMO_{name.upper()}"
        if full == "PYTOMO_DATABASE":
            if value is None:
                continue  # that of the environment, else the default
            full, value = "PYTOMO_DATABASE_URL", url_of(value)
        named[full] = "" if value is None else str(int(value)) if isinstance(value, bool) else str(value)
    # Before a process is started: what is wrong is said as an exception here, and not in two seconds by a command.
    config.check_names(named)
    for name, text in named.items():
        config.read_setting(name, text)
    return named
