"""An exception in the worker is logged and kept without the signed URL, header or cookie that it quotes."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.worker.worker import Worker
from tests.measure.worker import worker_calls as calls

pytestmark = pytest.mark.process


TEXTS = (
    "http://media.example/v\u00eddeo?sig=SECRET&expire=1",
    "Cookie: SID=SECRET\u00e9; other=SECRET",
    "http://user:SECRET@proxy.example:3128/\u00e9",
    "Location: //media.example/videoplayback/sig/SECRET/\u00e9",
)


def test_exception_of_the_worker_quotes_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> list[str]:
        worker = Worker(preload=())
        await worker.start()
        details = []
        for function in (calls.fail_with_text, calls.fail_to_encode):
            for text in TEXTS:
                with pytest.raises(MeasurementError) as caught:
                    await worker.run(function, text, deadline_s=20)
                details.append(str(caught.value))
        await worker.close()
        return details

    details = asyncio.run(scenario())
    assert all("unknown_failure" in detail and "Error(" in detail for detail in details)
    assert "SECRET" not in "".join(details)
    assert "SECRET" not in caplog.text
    assert caplog.text.count("Traceback") == len(details)


def test_ps_shows_no_secret_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTOMO_DATABASE_URL", "postgresql://me:SECRET@db.example/pytomo")
    monkeypatch.setenv("PYTOMO_YOUTUBE_API_KEY", "SECRET")

    async def scenario() -> list[str]:
        worker = Worker(preload=())
        await worker.start()
        with pytest.raises(MeasurementError):
            await worker.run(calls.fail_with_text, TEXTS[0], deadline_s=20)
        children = psutil.Process().children(recursive=True)
        shown = [" ".join([*child.cmdline(), *map("=".join, child.environ().items())]) for child in children]
        await worker.close()
        return shown

    shown = asyncio.run(scenario())
    assert any("spawn_main" in words for words in shown)
    assert "SECRET" not in "".join(shown)
