"""The recipe of docs/extending.md for a new probe, followed in a copy: eight files are written, the rest is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytomo_scrapy.storage.migrate import HEAD
from tests.package_copy import contents, copy_to
from tests.running.commands import run_command

pytestmark = pytest.mark.process

NEXT = f"{int(HEAD) + 1:04}"  # of migrations

# What a person writes: new files whole, and what goes into those that are there, in front of a line.
NEW = {
    "pytomo_scrapy/items/route_result.py": '''"""How far away the media hosts are."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytomo_scrapy.items.stored import about, failure_detail, failure_of, stored


@dataclass(frozen=True, slots=True)
class Route:
    """The routers on the way to one media host."""

    host: str = field(metadata=about("media host"))
    hop_count: int | None = stored(None, "routers on the way", null="not told", unit="routers")
    failure: str | None = failure_of("the route")
    failure_detail: str | None = failure_detail()
''',
    "pytomo_scrapy/measure/route.py": '''"""Counts the routers on the way to the media hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytomo_scrapy.config.stage_configs import RouteConfig
from pytomo_scrapy.items.route_result import Route


def hops_to(host: str) -> int:
    """Make a number up: this probe is a toy."""
    return 7


def measure_routes(hosts: Iterable[str], config: RouteConfig, *, ask: Callable[[str], int]) -> tuple[Route, ...]:
    """Return the route to each host; one that is too long has failed."""
    return tuple(_route(host, ask(host), config) for host in hosts)


def _route(host: str, hop_count: int, config: RouteConfig) -> Route:
    if hop_count > config.max_hops:
        return Route(host, hop_count, "route_too_long", f"{hop_count} routers")
    return Route(host, hop_count)
''',
    "pytomo_scrapy/pipelines/route.py": '''"""The routers on the way to every media host."""

from __future__ import annotations

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.pipelines.stage import StagePipeline


class RoutePipeline(StagePipeline):
    """Counts the routers on the way, with the probes' share of the gate."""

    stage = Stage.ROUTE
''',
    "tests/measure/test_route.py": '''"""The routers on the way: in their turn, skipped, failed, stored, and shown."""

import asyncio

import pytest
from scrapy.utils.misc import load_object
from starlette.testclient import TestClient

import pytomo_scrapy
from pytomo_scrapy import config
from pytomo_scrapy.addons import PIPELINES
from pytomo_scrapy.config.stage_configs import RouteConfig
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.exchange.export_run import ExportSelection
from pytomo_scrapy.exchange.datasets import datasets, rows_of, snapshot
from pytomo_scrapy.items.route_result import Route
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.route import measure_routes
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.items.codec import from_plain, to_plain
from tests.factories import HOST, make_item
from tests.fake_crawler import Stats
from tests.measure.session_world import World, make_session
from tests.storage.factories import begin


def through_all_stages(world, hop_count=7, **settings):
    """Take a video through the pipelines in their order, as Scrapy does. Returns the item and the stats."""
    item, stats, flow = make_item(crawl="c"), Stats(), make_session(world, **settings)
    pipelines = [load_object(path)(flow, stats) for path, _ in sorted(PIPELINES.items(), key=lambda row: row[1])[:-1]]

    async def run():
        for pipeline in pipelines:
            await pipeline.process_item(item)

    asyncio.run(run())
    return item, stats


@pytest.fixture(autouse=True)
def asked(world, monkeypatch):
    monkeypatch.setattr(session, "hops_to", lambda host: (world.note("route"), 7)[1])


def test_route_that_is_too_long_has_failed():
    assert measure_routes(["a.example"], RouteConfig(max_hops=3), ask=lambda host: 5) == (
        Route("a.example", 5, "route_too_long", "5 routers"),
    )


def test_stage_runs_between_pings_and_window(world):
    item, stats = through_all_stages(world)
    assert "+probe ping -probe +probe route -probe +window" in world.calls
    assert (item.route, item.failure, stats["pytomo/route/count"]) == ((Route(HOST, 7),), None, 1)


def test_stage_is_skipped_after_an_earlier_failure(world):
    world.dns_failure = {4: "dns_timeout"}
    item, stats = through_all_stages(world)
    assert "route" not in world.calls.split() and [route.failure for route in item.route] == ["skipped_after_dns"]
    assert (item.failure, "pytomo/route/failure/skipped_after_dns" in stats) == ("dns_timeout", False)


def test_failure_counts_and_later_stages_are_skipped(world):
    item, stats = through_all_stages(world, PYTOMO_ROUTE_MAX_HOPS=3)
    assert (item.failure, item.failure_stage, stats["pytomo/route/failure/route_too_long"]) == (
        "route_too_long", "route", 1,
    )
    assert [window.failure for window in item.downloads] == ["skipped_after_route"]


def test_row_is_stored_read_exported_and_shown(world, tmp_path):
    item, _ = through_all_stages(world)
    assert from_plain(type(item), to_plain(item))[0].route == item.route, "it may wait in the outbox"
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    repository, run = begin(database)
    saved = repository.save(item, run)
    expected = {"host": HOST, "hop_count": 7, "failure": None, "failure_detail": None}
    assert repository.measurement(saved.measurement_id)["route"] == [expected]
    [exported] = [one for one in datasets("tables", ExportSelection()) if one.name == "route"]
    with snapshot(database) as connection:
        [[row]] = rows_of(connection, exported)
    assert [column.name for column in exported.columns] == ["measurement_id", *expected]
    assert tuple(row) == (saved.measurement_id, *expected.values())
    database.close()
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'x.db'}", tmp_path))) as client:
        assert f"<td>{HOST}</td><td>7</td>" in client.get("/measurement/1").text
''',
}
FAILURES = """    FailureClass("route_too_long", Attribution.NETWORK, "too many routers", "Ask your provider why."),
    FailureClass("skipped_after_route", Attribution.TOOL, "not tried: the route had failed", STAGE_BEFORE),
"""
CHANGED = {
    "pytomo_scrapy/items/video_item.py": {
        "from pytomo_scrapy.items.stored import": "from pytomo_scrapy.items.route_result import Route\n",
        "    failure: str | None = None": '    route: tuple[Route, ...] = rows(Route, "route", key="host")\n',
    },
    "pytomo_scrapy/failures/classes.py": {
        '    DOWNLOAD = "download"': '    ROUTE = "route"\n',
        '    FailureClass("connect_refused"': FAILURES,
    },
    "pytomo_scrapy/config/stage_configs.py": {
        "@dataclass(frozen=True, slots=True)\nclass StageConfigs": '''@dataclass(frozen=True, slots=True)
class RouteConfig:
    """What a route may be."""

    max_hops: int = setting("PYTOMO_ROUTE_MAX_HOPS", 30, "routers", whole(1), "Routers on the way at most")


''',
        "    download: DownloadConfig = part": "    route: RouteConfig = part(RouteConfig)\n",
    },
    "pytomo_scrapy/measure/session.py": {
        "from pytomo_scrapy.measure.tools import": "from pytomo_scrapy.measure.route import hops_to, measure_routes\n",
        "from pytomo_scrapy.measure.dns.lookup": "from pytomo_scrapy.items.route_result import Route\n",
        "def _no_window(": """def _no_route(item: VideoItem, failure: str) -> None:
    item.route = (Route("", failure=failure),)


""",
        "    Stage.DOWNLOAD: _no_window": "    Stage.ROUTE: _no_route,\n",
        "            Stage.DOWNLOAD: self._download": "            Stage.ROUTE: self._route,\n",
        "    async def _download(": """    async def _route(self, item: VideoItem) -> None:
        assert item.dns is not None
        async with self._tools.hold(Activity.PROBE):
            item.route = await self._tools.in_thread(
                measure_routes, item.dns.chosen, self._config.route, ask=hops_to
            )
        for route in item.route:
            if route.failure is not None:
                item.fail(Stage.ROUTE, route.failure, route.failure_detail)

""",
    },
}
# What `make schema` writes.
MADE = {
    f"pytomo_scrapy/storage/migrations/versions/{NEXT}_routes.py",
    *(f"docs/{name}.md" for name in ("data-format", "failures", "settings", "troubleshooting")),
    *(f"docs/images/{name}.svg" for name in ("flow", "tables")),
}


def test_probe_is_eight_files_and_what_is_made_from_them(tmp_path: Path) -> None:
    copied = copy_to(tmp_path, "pytomo_scrapy", "docs", "tests", "README.md", "pyproject.toml")
    before = contents(copied)
    follow(copied)
    done = run_command("tests.docs.in_copy", "Routes", "tests/measure/test_route.py", cwd=copied, environment=bare())
    assert done.exit_code == 0, done.output[-6000:] + done.errors[-3000:]
    assert "5 passed" in done.output
    after = contents(copied)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {*NEW, *CHANGED, *MADE} and set(before) <= set(after)
    assert len({*NEW, *CHANGED}) == 8
    texts = {name: after[name].decode() for name in MADE}
    assert "op.create_table('route'," in texts[f"pytomo_scrapy/storage/migrations/versions/{NEXT}_routes.py"]
    assert "\n### route\n" in texts["docs/data-format.md"]
    assert "| `hop_count` | integer | routers | routers on the way | not told |" in texts["docs/data-format.md"]
    settings = texts["docs/settings.md"]
    assert "\n## Route\n" in settings and "| `PYTOMO_ROUTE_MAX_HOPS` | `30` |" in settings
    assert "| `route_too_long` | network |" in texts["docs/failures.md"]
    assert "| `route_too_long` | Ask your provider why. |" in texts["docs/troubleshooting.md"]
    assert "route: sets route, written to route." in texts["docs/images/flow.svg"]
    assert "route → measurement" in texts["docs/images/tables.svg"]


def follow(copied: Path) -> None:
    """Write what a person writes."""
    for name, text in NEW.items():
        assert not (copied / name).exists()
        (copied / name).write_text(text, encoding="utf-8")
    for name, additions in CHANGED.items():
        text = (copied / name).read_text(encoding="utf-8")
        for line, added in additions.items():
            assert text.count(line) == 1, f"{name}: {line}"
            text = text.replace(line, added + line)
        (copied / name).write_text(text, encoding="utf-8")


def bare() -> dict[str, str]:
    """Return this environment without what settings and tests add to it."""
    added = ("PYTOMO_", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    found = {name: value for name, value in os.environ.items() if not name.startswith(added)}
    return {**found, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
