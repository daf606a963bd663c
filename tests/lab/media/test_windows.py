"""What a window of ours makes of each fault of a media host, beside curl and Python (`test_faults.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.lab.faults import FAULTS, CertificateFault, HostFault, MediaFault
from pytomo_scrapy.lab.faults.kinds import SegmentFault
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan

pytestmark = pytest.mark.process

ITAG = 18
CONFIG = DownloadConfig(window_s=1.0, loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))
# Of which a window hears nothing: the player does.
BEHIND_A_WINDOW = {"corrupt"}
OF_HOSTS = [
    name
    for name, fault in FAULTS.items()
    if isinstance(fault, MediaFault | HostFault | CertificateFault) and not isinstance(fault, SegmentFault)
]


@pytest.mark.parametrize("fault", OF_HOSTS)
def test_window_of_a_host_at_fault_has_the_class_of_its_row(
    lab: Any, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(lab.bundle))
    host = lab.world.videos[f"bad-{fault}"].host
    size_bytes = len(lab.content(f"bad-{fault}", ITAG))
    url, port = lab.url(f"bad-{fault}", ITAG), lab.server.port
    media = MediaFormat("muxed", str(ITAG), url, host, port, declared_size_bytes=size_bytes)
    addresses = {name: found.address for name, found in lab.world.hosts.items()}
    result = download_window(WindowPlan((media,), addresses, spool_directory=str(tmp_path)), CONFIG)
    expected = None if fault in BEHIND_A_WINDOW else FAULTS[fault].failure
    assert result.failure == expected, result.failure_detail
