"""One rule says which player stands for a session: the log, the report, the web page, plot and replay all follow it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from sqlalchemy import text

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.commands.plot import choose
from pytomo_scrapy.items import VideoItem, headline_player
from pytomo_scrapy.items.playback_result import HEADLINE_ORDER
from pytomo_scrapy.measure import outcome
from pytomo_scrapy.measure.playback.simulation import PLAYERS
from pytomo_scrapy.storage.database import Database, open_database
from tests.storage.factories import begin, make_item, make_playback

OTHERS = ("classic initial_buffer_s=4", "a player of a later version")
NAMES = (*HEADLINE_ORDER[::-1], *OTHERS)
# Measurements by their number, each with the players of its window.
SESSIONS = dict(enumerate((names for count in (1, 2, len(NAMES)) for names in combinations(NAMES, count)), start=1))
# Of the pairs, those that follow each other in the order: with all players together, they have it whole.
ORDER = (*HEADLINE_ORDER, *sorted(OTHERS))
STORED = {
    number: names
    for number, names in SESSIONS.items()
    if len(names) != 2 or abs(ORDER.index(names[0]) - ORDER.index(names[1])) == 1
}


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (("classic", "progressive"), "progressive"),
        (("classic", "dashjs"), "dashjs"),
        (("progressive", "dashjs"), "dashjs"),
        (("classic", "exo", "shaka"), "shaka"),
        (("classic", "exo"), "exo"),
        (OTHERS, "a player of a later version"),
        (("classic", *OTHERS), "classic"),
        ((), None),
    ],
)
def test_headline_is_the_first_of_the_order_then_the_first_by_name(names: tuple[str, ...], first: str | None) -> None:
    assert headline_player(names) == first


def test_every_player_of_the_order_exists() -> None:
    assert set(HEADLINE_ORDER) <= set(PLAYERS)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path_factory.mktemp('headline') / 'x.db'}")
    repository, run = begin(opened)
    for place, (number, names) in enumerate(STORED.items(), start=1):
        assert repository.save(played(number, names), run).measurement_id == place
    yield opened
    opened.close()


def played(number: int, names: tuple[str, ...]) -> VideoItem:
    """Return a measurement whose players each start after another time."""
    playbacks = tuple(make_playback(player=name, startup_delay_s=float(NAMES.index(name) + 1)) for name in names)
    return make_item(service=f"service {number}", playbacks=playbacks)


def test_log_follows_the_rule() -> None:
    for number, names in SESSIONS.items():
        shown = outcome.headline(played(number, names))
        assert shown is not None and shown.player == headline_player(names)


@pytest.mark.slow
def test_web_page_follows_the_rule(database: Database) -> None:
    with database.read() as connection:
        rows = connection.execute(text("SELECT measurement_id, player FROM figure")).all()
    assert {row[0]: row[1] for row in rows} == dict(enumerate(map(headline_player, STORED.values()), start=1))


@pytest.mark.slow
def test_report_follows_the_rule(database: Database) -> None:
    for number, names in STORED.items():
        headline = summarise(database, service=f"service {number}").headline
        first = headline_player(names)
        assert headline is not None and first is not None
        assert headline.startup_delay_quantiles_s["0.5"] == NAMES.index(first) + 1


def test_plot_follows_the_rule() -> None:
    for names in SESSIONS.values():
        rows = [{"player": name, "place": 0} for name in names]
        assert choose(rows, None, 0) == {"player": headline_player(names), "place": 0}
        assert choose(rows, names[-1], 0) == rows[-1]
    assert choose([], None, 0) is None
