"""The time zone of a machine: by its variable, else by the system's link, else not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.storage.measurements import time_zone as module
from pytomo_scrapy.storage.measurements.time_zone import is_time_zone, time_zone


@pytest.mark.parametrize(
    ("variable", "link", "name"),
    [
        ("Europe/Berlin", "/usr/share/zoneinfo/Asia/Tokyo", "Europe/Berlin"),
        (":Europe/Berlin", None, "Europe/Berlin"),
        ("UTC", None, "UTC"),
        # As POSIX writes a zone: hours, and no name of a place.
        ("CET-1CEST,M3.5.0,M10.5.0/3", None, None),
        ("../../etc/passwd", None, None),
        ("/usr/share/zoneinfo/Europe/Berlin", None, None),
        ("", "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("", "/var/db/timezone/zoneinfo/America/New_York", "America/New_York"),
        ("", "/etc/copied", None),  # the file itself, and no link to one with a name
        ("", None, None),
    ],
)
def test_zone_is_the_name_of_a_place_that_this_machine_knows(
    variable: str, link: str | None, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Localtime:
        def resolve(self, *, strict: bool) -> Path:
            assert strict
            if link is None:
                raise FileNotFoundError
            return Path(link)

    monkeypatch.setattr(module, "_LOCALTIME", Localtime())
    monkeypatch.setenv("TZ", variable)
    assert time_zone() == name


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("Europe/Berlin", True),
        ("Europe", False),
        ("Europe/Atlantis", False),
        ("", False),
        ("\x00", False),
        ("a" * 999, False),
    ],
)
def test_name_of_a_folder_or_of_nothing_is_no_zone(name: str, is_known: bool) -> None:
    assert is_time_zone(name) is is_known
