"""When the method changed: another window, yt-dlp, client, format or way to ping; and which rows count together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from pytomo_scrapy.analysis.era import Change, Era
from pytomo_scrapy.analysis.run_rows import rows_of_runs
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.analysis.value_change import changed_values
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.storage.schema.crawl_tables import run, vantage

MAX_CHANGES = 12
MAX_TESTED = 6  # moments of change whose values are tested: the newest ones
LEAST_ROWS = 30  # a new era counts from so many rows on
# What a figure's definition follows from: figures on both sides are not the same figure.
_DEFINING = ("window", "download mode", "format")
_SETTINGS = {
    "PYTOMO_FORMAT": "format",
    "PYTOMO_DOWNLOAD_MODE": "download mode",
    "PYTOMO_DOWNLOAD_WINDOW_S": "window",
    "PYTOMO_PING_METHOD": "ping method",
    "PYTOMO_IP_FAMILY": "address family",
}

Definition = tuple[str | None, ...]
EraKey = tuple[Definition, int]  # and how many times values have changed before


@dataclass(frozen=True, slots=True)
class _RunFacts:
    """One run: how it measures, and its rows in the period."""

    id: int
    vantage_id: int
    vantage: str
    spider: str
    is_ad_hoc: bool
    first_s: int
    row_count: int
    ways: Mapping[str, str]

    @property
    def definition(self) -> Definition:
        return tuple(self.ways.get(what) for what in _DEFINING)


def settled(connection: Connection, selection: Selection) -> Selection:
    """Return the selection with the runs that it leaves out: measured in another way, or single measurements."""
    runs = _runs(connection, selection)
    if "run" in selection.equals:
        return replace(selection, era=Era(vantages=frozenset(one.vantage_id for one in runs)))
    single = [one for one in runs if one.is_ad_hoc]
    notes, left_out = [], set()
    crawled = [one for one in runs if not one.is_ad_hoc]
    if selection.has_ad_hoc or not crawled:
        crawled = runs
        if single and not selection.has_ad_hoc:
            notes.append("There are only single measurements (pytomo measure) in this period: they are counted.")
    elif single:
        left_out |= {one.id for one in single}
        count = sum(one.row_count for one in single)
        notes.append(f"{counted(count, 'single measurement')} (pytomo measure) {_are(count)} left out.")
    changes = list(_changes(crawled))
    if not selection.is_across_breaks:
        changes = [*_with_cuts(connection, changes)]
        others, told = _left_out(crawled, [change for change in changes if change.is_cut])
        left_out |= others
        notes += told
    shown = [change for change in changes if selection.start_s < change.at_s < selection.end_s]
    return replace(
        selection,
        era=Era(
            frozenset(left_out),
            sum(one.row_count for one in runs if one.id in left_out),
            tuple(sorted(shown, key=lambda change: (change.at_s, change.what))[-MAX_CHANGES:]),
            tuple(notes),
            frozenset(one.vantage_id for one in runs if one.id not in left_out),
        ),
    )


def _changes(runs: Sequence[_RunFacts]) -> Iterator[Change]:
    """Compare each run with the one before it of the same vantage point and spider."""
    before: dict[tuple[int, str], dict[str, str]] = {}
    for one in runs:
        # The first run of a line has nothing before it, and is compared with itself.
        old = before.get((one.vantage_id, one.spider), dict(one.ways))
        for what, new in one.ways.items():
            if old.get(what, new) != new:
                yield Change(one.first_s, what, old[what], new, one.vantage_id, one.vantage)
        # What this run does not know of stays as the last one that did had it.
        before[(one.vantage_id, one.spider)] = {**old, **one.ways}


def _with_cuts(connection: Connection, changes: Sequence[Change]) -> list[Change]:
    """Say which changes nothing is averaged across: of the definition, or of the values as tested."""
    tested: dict[tuple[int, int], str | None] = {}
    moments = {(change.at_s, change.vantage_id) for change in changes if change.what not in _DEFINING}
    moments -= {(change.at_s, change.vantage_id) for change in changes if change.what in _DEFINING}
    newest = sorted(moments)[-MAX_TESTED:]
    for at_s, vantage_id in newest:
        tested[(at_s, vantage_id)] = changed_values(connection, at_s, vantage_id, len(newest))
    found = []
    for change in changes:
        why = tested.get((change.at_s, change.vantage_id))
        if change.what in _DEFINING:
            found.append(replace(change, is_cut=True, why="what the figures mean depends on it"))
        else:
            found.append(replace(change, is_cut=why is not None, why=why or ""))
    return found


def _left_out(runs: Sequence[_RunFacts], cuts: Sequence[Change]) -> tuple[set[int], list[str]]:
    """Return the runs of other eras than the one that counts at each vantage point, and why in words."""
    left_out: set[int] = set()
    notes: list[str] = []
    chosen: dict[int, EraKey] = {}
    counts: dict[int, Counter[EraKey]] = {}
    of_vantage: defaultdict[int, list[_RunFacts]] = defaultdict(list)
    for one in runs:
        of_vantage[one.vantage_id].append(one)
    for vantage_id, own in of_vantage.items():
        values = sorted({cut.at_s for cut in cuts if cut.vantage_id == vantage_id and cut.what not in _DEFINING})
        keys = {one.id: (one.definition, sum(at_s <= one.first_s for at_s in values)) for one in own}
        counts[vantage_id] = Counter()
        for one in own:
            counts[vantage_id][keys[one.id]] += one.row_count
        in_order = list(dict.fromkeys(keys[one.id] for one in reversed(own)))
        chosen[vantage_id] = next((key for key in in_order if counts[vantage_id][key] >= LEAST_ROWS), in_order[0])
        out = {one.id for one in own if keys[one.id] != chosen[vantage_id]}
        left_out |= out
        notes += _told(own, keys, chosen[vantage_id], [cut for cut in cuts if cut.vantage_id == vantage_id])
    others, told = _other_windows(of_vantage, chosen, counts)
    return left_out | others, notes + told


def _told(
    runs: Sequence[_RunFacts], keys: Mapping[int, EraKey], chosen: EraKey, cuts: Sequence[Change]
) -> Iterator[str]:
    """Say what is left out of one vantage point, before and after the era that counts."""
    own = [index for index, one in enumerate(runs) if keys[one.id] == chosen]
    before = [one for one in runs[: own[-1]] if keys[one.id] != chosen]
    after = [one for one in runs[own[-1] :] if keys[one.id] != chosen]
    last = max(cuts, key=lambda cut: cut.at_s, default=None)
    if after and last is not None:
        count = sum(one.row_count for one in after)
        yield (
            f"{last.what} of {last.vantage} is {last.new} instead of {last.old} since {_moment(last.at_s)}, with "
            f"{counted(count, 'row')} so far: from {LEAST_ROWS} on they count, until then those before do."
        )
    if before:
        count = sum(one.row_count for one in before)
        at_s = runs[own[0]].first_s if own[0] else runs[own[-1]].first_s
        cut = max((cut for cut in cuts if cut.at_s <= at_s), key=lambda cut: cut.at_s, default=last)
        if cut is not None:
            yield (
                f"{counted(count, 'row')} of {cut.vantage} {_are(count)} left out: {cut.what} changed from {cut.old} "
                f"to {cut.new} on {_moment(cut.at_s)}, and {cut.why}."
            )


def _other_windows(
    runs: Mapping[int, Sequence[_RunFacts]], chosen: Mapping[int, EraKey], counts: Mapping[int, Counter[EraKey]]
) -> tuple[set[int], list[str]]:
    """Leave out vantage points that measure by another definition than the most rows."""
    total: Counter[Definition] = Counter()
    for vantage_id, key in chosen.items():
        total[key[0]] += counts[vantage_id][key]
    if len(total) < 2:
        return set(), []
    # Of two with as many rows, the same one each time: a page must not change with each look.
    most = max(total, key=lambda definition: (total[definition], str(definition)))
    left_out: set[int] = set()
    notes = []
    for vantage_id, key in chosen.items():
        if key[0] == most:
            continue
        own = runs[vantage_id]
        left_out |= {one.id for one in own}
        count = counts[vantage_id][key]
        differs = [(what, is_, not_) for what, is_, not_ in zip(_DEFINING, key[0], most, strict=True) if is_ != not_]
        words = ", ".join(f"its {what} is {is_} and not {not_}" for what, is_, not_ in differs)
        notes.append(
            f"{counted(count, 'row')} of {own[0].vantage} {_are(count)} left out: {words}. Choose this vantage point "
            "to see them."
        )
    return left_out, notes


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _moment(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}"


def _runs(connection: Connection, selection: Selection) -> list[_RunFacts]:
    """Return the runs with rows in the period, in order of their start."""
    facts = rows_of_runs(connection, selection)
    query = (
        select(run.c.id, run.c.vantage_id, vantage.c.name, run.c.spider, run.c.is_ad_hoc, run.c.settings)
        .add_columns(run.c.yt_dlp_version, run.c.software_version)
        .join(vantage, vantage.c.id == run.c.vantage_id)
        .order_by(run.c.started_at, run.c.id)
    )
    # A year has thousands of runs: fewer than are worth naming to the database one by one.
    if "vantage" in selection.equals:
        query = query.where(run.c.vantage_id == selection.equals["vantage"])
    if "provider" in selection.equals:
        query = query.where(vantage.c.provider == selection.equals["provider"])
    return [
        _RunFacts(
            row.id, row.vantage_id, row.name, row.spider, bool(row.is_ad_hoc), facts[row.id].first_s,
            facts[row.id].row_count, _ways(row, facts[row.id].client),
        )
        for row in connection.execute(query)
        if row.id in facts
    ]  # fmt: skip


def _ways(row: Any, client: str | None) -> dict[str, str]:
    ways = {"yt-dlp": row.yt_dlp_version, "pytomo-scrapy": row.software_version, "client": client}
    settings = row.settings or {}
    ways |= {word: settings.get(name) for name, word in _SETTINGS.items()}
    return {what: str(value)[:80] for what, value in ways.items() if value is not None}
