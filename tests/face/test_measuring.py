"""A measurement from Python: stored as any other, its settings checked before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import pytomo_scrapy as pytomo
from pytomo_scrapy.face import measuring
from tests.running import forked
from tests.running.labs import shared_lab
from tests.running.sharing import server_socket

VIDEO = "https://www.youtube.com/watch?v=CGNIzzGfeuY"


@pytest.mark.lab
@pytest.mark.slow
def test_video_is_measured_stored_and_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shared_lab().environment(os.environ).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with forked.in_use(server_socket()):
        found = pytomo.measure(
            VIDEO, database="mine.db", download_window_s=3, PYTOMO_VANTAGE="attic", wait_for_line=False
        )
        with pytest.raises(pytomo.SettingError, match="neither a video id"):
            pytomo.measure("nonsense", database="mine.db")
    assert (found.failure, found.attribution) == (None, None)
    assert found.startup_delay_s is not None and 0 < found.startup_delay_s < 3 and found.stall_count == 0
    assert found.delivery_bps and found.playback is not None and found.playback["player"] in {"dashjs", "progressive"}
    assert repr(found).startswith("<Measurement youtube CGNIzzGfeuY: startup ")
    with pytomo.open("mine.db") as results:
        (row,) = results.sessions(to="arrow").to_pylist()
    assert (row["uuid"], row["vantage"]) == (found.uuid, "attic")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"download_window": 3}, "PYTOMO_DOWNLOAD_WINDOW is no setting: did you mean PYTOMO_DOWNLOAD_WINDOW_S"),
        ({"download_window_s": "long"}, "PYTOMO_DOWNLOAD_WINDOW_S='long' is not usable"),
    ],
)
def test_setting_that_cannot_be_used_is_refused_before_a_process_starts(
    settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(pytomo.SettingError, match=sentence):
        pytomo.measure(VIDEO, **settings)


def test_settings_are_named_in_full_as_a_command_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = measuring._settings(
        {"pace_s": 2, "PYTOMO_VANTAGE": "attic", "store_public_ip": True, "provider": None, "database": "x.db"}
    )
    assert named == {
        "PYTOMO_PACE_S": "2", "PYTOMO_VANTAGE": "attic", "PYTOMO_STORE_PUBLIC_IP": "1", "PYTOMO_PROVIDER": "",
        "PYTOMO_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
    }  # fmt: skip


def test_failed_session_is_a_measurement_that_says_so() -> None:
    record = {
        "uuid": "u", "failure": "removed", "attribution": "content", "playbacks": [], "downloads": [],
        "video": {"service": "youtube", "video_id": "x"},
    }  # fmt: skip
    found = pytomo.Measurement(record)
    assert (found.playback, found.startup_delay_s, found.stall_count, found.delivery_bps) == (None, None, None, None)
    assert repr(found) == "<Measurement youtube x: removed>"
