from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pytomo_scrapy.items import HostSamples
from pytomo_scrapy.measure.host import host_sampler
from pytomo_scrapy.measure.host.host_sampler import HostSampler, waited_s


def test_samples_count_from_the_first_reading_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    received = iter((1000, 1000, 1600, 2000))
    monkeypatch.setattr(
        psutil,
        "net_io_counters",
        lambda **_: {"eth0": SimpleNamespace(bytes_recv=next(received), bytes_sent=50)},
    )
    waited = iter((3.0, 3.0, 3.25, 3.5))
    monkeypatch.setattr(host_sampler, "waited_s", lambda: next(waited))
    paused = iter((0.0, 0.0, 0.125, 0.25))
    sampler = HostSampler("eth0", lambda: next(paused))

    for now_s in (0.0, 0.25, 0.5):  # the one in the middle is not due
        sampler.tick(now_s)

    assert sampler.close(0.75) == HostSamples(
        (0.0, 0.5, 0.75), (0, 600, 1000), (0, 0, 0), (0.0, 0.25, 0.5), (0.0, 0.125, 0.25)
    )


@pytest.mark.parametrize("interface", [None, "no-such-interface"])
def test_no_interface_gives_no_samples(interface: str | None) -> None:
    sampler = HostSampler(interface, lambda: 0.0)
    sampler.tick(0.0)
    assert sampler.close(1.0) == HostSamples()


@pytest.mark.parametrize(
    ("text", "expected"), [("1010190 2500000000 1\n", 2.5), ("", None), ("1 x 2", None), (None, None)]
)
def test_time_without_a_processor_is_the_kernels_second_number(
    tmp_path: Path, text: str | None, expected: float | None
) -> None:
    schedule = tmp_path / "schedstat"
    if text is not None:
        schedule.write_text(text)
    assert waited_s(schedule) == expected
