"""What tests of sessions share."""

from __future__ import annotations

import pytest

from pytomo_scrapy.measure import family_paths, session
from tests.measure.session_world import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A crawl whose stages do nothing but say that they were run."""
    world = World()
    monkeypatch.setattr(session, "look_up_hosts", lambda *args, **kwargs: world.look_up(*args, **kwargs))
    monkeypatch.setattr(family_paths, "look_up_hosts", lambda *args, **kwargs: world.look_up(*args, **kwargs))
    monkeypatch.setattr(session, "ping_media", lambda *args: world.ping(*args))
    monkeypatch.setattr(session, "ping_redirects", lambda *args: world.ping_redirects(*args))
    return world
