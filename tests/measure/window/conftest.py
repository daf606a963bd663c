"""What the tests of windows share: no proxy and no pauses of the machine's own, and an authority that is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.measure.window import pauses
from tests.measure.window.window_servers import Authority


@pytest.fixture(autouse=True)
def no_proxy_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies of the machine that the tests run on; the lab is reached through one of its own."""
    if request.node.get_closest_marker("lab"):
        return
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_pauses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine, which gets to a window late, be none that stood still: `test_pauses` has those."""
    if request.path.stem != "test_pauses":
        monkeypatch.setattr(pauses, "MAX_PROBE_GAP_S", 10.0)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority of certificates that windows trust."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    return authority
