"""The tables of the database with their keys and relations, from SQLAlchemy's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from all_tables import metadata
from sqlalchemy import Column, Table
from svg import Picture, width_of

LEFT, TOP, STEP, BOX, COLUMNS = 24, 88, 246, 212, 4
WIDTH = 2 * LEFT + COLUMNS * STEP - 12
HEAD, LINE, BELOW, SIZE = 26, 16, 16, 11
# Title, colour, how many boxes side by side, and how the names of its tables begin.
GROUPS = (
    (
        "Crawls, and what there is to measure",
        "blue",
        4,
        ("vantage", "crawl", "run", "owner", "frontier", "open_", "video"),
    ),
    ("Tests of names", "teal", 2, ("differential",)),
    ("Studies: what was planned, and looks at what came out", "teal", 3, ("study",)),
    ("A measurement, and all that belongs to it", "orange", 4, ("measurement",)),
    ("The web page's flat figures", "purple", 2, ("figure", "page_")),
    ("What is left of deleted measurements", "green", 2, ("daily",)),
    ("Rows of Pytomo 3", "teal", 2, ("legacy",)),
)
# The columns that a newcomer looks for. A table that is not here shows its first ones.
MAIN = {
    "vantage": ("name", "provider"),
    "crawl": ("name", "pass_number", "max_crawled_url", "done_count", "finished_at"),
    "run": ("uuid", "settings", "software_version", "started_at", "end_reason"),
    "owner": ("token", "host", "pid"),
    "frontier": ("video_id", "depth", "state", "lease_until_s", "failure"),
    "open_window": ("stage", "elapsed_s", "received_bytes"),
    "video": ("service", "video_id", "title", "duration_s"),
    "differential_test": ("host", "neutral_name", "verdict", "wehe_verdict", "difference_ratio", "sentence"),
    "differential_window": ("pair_number", "role", "sent_name", "rate_bps", "failure"),
    "study": ("name", "started_at", "ended_at", "end_reason"),
    "study_plan": ("version", "plan_hash", "plan_text", "changes", "power_ratio"),
    "study_look": ("looked_at", "is_planned", "information_ratio", "sentence"),
    "measurement": (
        "uuid", "is_superseded", "started_at", "resolve_elapsed_s", "dns_elapsed_s", "ping_elapsed_s",
        "join_time_s", "failure_stage", "failure", "attribution",
    ),
    "download": (
        "mode", "ended_by", "host", "address", "elapsed_s", "received_bytes", "delivery_bps", "cpu_ratio", "failure",
    ),
    "stream": ("kind", "format_id", "height_px", "declared_bitrate_bps", "received_bytes", "file_duration_s"),
    "arrival_trace": ("point_count", "points"),
    "media_timeline": ("segment_count", "points"),
    "http_request": ("hop", "host", "status", "connect_s", "tls_s", "first_byte_s", "failure"),
    "tcp_connection": ("address", "rtt_min_s", "out_of_order_count", "samples"),
    "dns_lookup": ("host", "resolver", "elapsed_s", "rcode", "chosen_address", "failure"),
    "dns_address": ("address",),
    "ping": ("address", "method", "role", "rtt_min_s", "loss_ratio", "failure"),
    "network": ("as_number", "as_prefix", "as_holder"),
    "playback": ("player", "horizon_s", "startup_delay_s", "stall_count", "stalled_s", "played_s", "failure"),
    "ladder": ("source", "top_height_px", "best_height_px", "best_unknown", "rungs"),
    "playback_event": ("kind", "start_s", "duration_s"),
    "control_window": ("role", "host", "rate_bps", "failure"),
    "autopsy": ("symptom", "start_s", "duration_s", "cause", "sentence"),
    "figure": ("started_s", "is_valid", "host", "player", "startup_delay_s", "delivery_bps"),
    "figure_block": ("is_sealed", "row_count"),
    "figure_column": ("kind", "content"),
    "figure_strip": ("kind", "content"),
    "page_change": (),
    "daily": ("day_s", "service", "measurement_count", "valid_count"),
    "daily_failure": ("measurement_count",),
    "daily_figure": ("row_count", "total", "histogram"),
    "legacy_source": ("file_name", "table_name", "row_count"),
    "legacy_row": ("url", "ip", "downloadtime"),
}  # fmt: skip
SHOWN_COUNT = 4


@dataclass(slots=True)
class Box:
    """One table on the picture."""

    table: Table
    keys: list[Column[Any]]
    others: list[str]
    column: int  # of the group, from the left
    x: float = 0
    y: float = 0

    @property
    def rest_count(self) -> int:
        """How many columns are not shown."""
        return len(self.table.columns) - len(self.keys) - len(self.others)

    @property
    def height(self) -> float:
        """How tall it is."""
        return HEAD + LINE * (len(self.keys) + len(self.others) + (self.rest_count > 0)) + 8

    def key_y(self, key: Column[Any]) -> float:
        """Return the middle of a key's row."""
        return self.y + HEAD + LINE * (self.keys.index(key) + 0.5) + 3


@dataclass(slots=True)
class Group:
    """Tables that are drawn in one frame."""

    title: str
    colour: str
    width: int  # columns
    boxes: list[Box]


def groups() -> list[Group]:
    """Return the groups; a table that no name places goes where its parent is."""
    group_of: dict[str, int] = {}
    for table in metadata.sorted_tables:
        starts = [index for index, (*_, names) in enumerate(GROUPS) if table.name.startswith(names)]
        parents = [group_of[parent] for parent in _parents(table)]
        group_of[table.name] = starts[0] if starts else max(parents, default=0)
    return [
        _group(title, colour, width, [table for table in metadata.sorted_tables if group_of[table.name] == index])
        for index, (title, colour, width, _) in enumerate(GROUPS)
    ]


def _parents(table: Table) -> list[str]:
    """Return the tables that a row of `table` points to."""
    return list(dict.fromkeys(key.column.table.name for column in table.columns for key in column.foreign_keys))


def _target(column: Column[Any]) -> str | None:
    """Return the table that a column points to: by its foreign key, else by its name."""
    if column.foreign_keys:
        return next(iter(column.foreign_keys)).column.table.name
    named = column.name.removesuffix("_id")
    # A text such as `video_id` is a name that the service gave, and no row of ours.
    return named if named != column.name and named in metadata.tables and column.type.python_type is int else None


def _group(title: str, colour: str, width: int, tables: list[Table]) -> Group:
    """Put each table one column behind its deepest parent, and parents before their children."""
    depths: dict[str, int] = {}
    for table in tables:
        depths[table.name] = 1 + max((depths[parent] for parent in _parents(table) if parent in depths), default=-1)

    def home(table: Table) -> str | None:
        return max((name for name in _parents(table) if name in depths), key=lambda name: depths[name], default=None)

    def family(table: Table) -> Iterator[Table]:
        yield table
        for child in tables:
            if home(child) == table.name:
                yield from family(child)

    ordered = [one for table in tables if home(table) is None for one in family(table)]
    # What has no relations in the group stands last, where there is room.
    related = {name for table in tables for name in (table.name, *_parents(table)) if home(table) is not None}
    lonely = {table.name for table in tables} - related
    ordered.sort(key=lambda table: table.name in lonely and len(lonely) < len(tables))
    boxes = [_box(table, -1 if table.name in lonely else depths[table.name]) for table in ordered]
    return Group(title, colour, max(width, max(depths.values()) + 1), boxes)


def _box(table: Table, column: int) -> Box:
    keys = [one for one in table.columns if one.primary_key or _target(one)]
    names = [one.name for one in table.columns if one not in keys]
    if unknown := set(MAIN.get(table.name, ())) - set(table.columns.keys()):
        raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}: see docs/diagrams/draw_tables.py.")
    main = MAIN.get(table.name, names[:SHOWN_COUNT])
    return Box(table, keys, [name for name in main if name in names], column)


def draw() -> str:
    """Return the picture."""
    found = groups()
    boxes = [box for group in found for box in group.boxes]
    relations = [f"{box.table.name} → {', '.join(_parents(box.table))}" for box in boxes if _parents(box.table)]
    picture = Picture(WIDTH, "The tables of the database", f"Which row points to which: {'; '.join(relations)}.")
    picture.text(LEFT, 38, "The tables of the database", size=20, is_bold=True)
    _legend(picture, 64)
    colours = {box.table.name: group.colour for group in found for box in group.boxes}
    y = float(TOP)
    for band in _bands(found):
        lefts = [LEFT + STEP * sum(group.width for group in band[:index]) for index in range(len(band))]
        bottom = max(_place(group.boxes, group.width, x + 14, y + 38) for x, group in zip(lefts, band, strict=True))
        for x, group in zip(lefts, band, strict=True):
            width = group.width * STEP - 12
            picture.rect(x, y, width, bottom + 14 - y, fill=f"{group.colour}-tint", radius=8)
            picture.text(x + 14, y + 24, group.title, size=14, colour=group.colour, is_bold=True)
            _relations(picture, group)
            for box in group.boxes:
                _draw_box(picture, box, group.colour, colours)
        y = bottom + 30
    return picture.drawn(y + 8)


def _bands(found: list[Group]) -> list[list[Group]]:
    """Return the groups that stand side by side."""
    bands: list[list[Group]] = [[]]
    for group in found:
        if sum(one.width for one in bands[-1]) + group.width > COLUMNS:
            bands.append([])
        bands[-1].append(group)
    return bands


def _place(boxes: list[Box], width: int, x: float, y: float) -> float:
    """Give every box its place. Returns where the lowest ends."""
    free_y = [y] * width
    placed: dict[str, Box] = {}
    for box in boxes:
        if box.column < 0:
            box.column = free_y.index(min(free_y))
        parents = [placed[name].y for name in _parents(box.table) if name in placed]
        box.x, box.y = x + box.column * STEP, max(free_y[box.column], max(parents, default=y))
        free_y[box.column] = box.y + box.height + BELOW
        placed[box.table.name] = box
    return max(free_y) - BELOW


def _relations(picture: Picture, group: Group) -> None:
    """Draw a line for every key that leads to the column before."""
    box_of = {box.table.name: box for box in group.boxes}
    parents = list(dict.fromkeys(name for box in group.boxes for name in _parents(box.table) if name in box_of))
    for box in group.boxes:
        for key in box.keys:
            for foreign in key.foreign_keys:
                parent = box_of.get(foreign.column.table.name)
                if parent is None or parent.column != box.column - 1:
                    continue
                siblings = [name for name in parents if box_of[name].column == parent.column]
                trunk_x = box.x - 14 - 6 * (siblings.index(parent.table.name) % 4)
                start_y, end_y = parent.y + HEAD / 2, box.key_y(key)
                points = [(parent.x + BOX, start_y), (trunk_x, start_y), (trunk_x, end_y), (box.x, end_y)]
                picture.path(points, group.colour)
                is_single = [one.name for one in box.table.primary_key] == [key.name]
                _end(picture, box.x, end_y, group.colour, is_single=is_single)


def _end(picture: Picture, x: float, y: float, colour: str, *, is_single: bool) -> None:
    """Draw how many rows there may be: a bar for one, a crow's foot for many."""
    if is_single:
        picture.path([(x - 6, y - 5), (x - 6, y + 5)], colour)
    else:
        picture.path([(x, y - 5), (x - 9, y), (x, y + 5)], colour)


def _draw_box(picture: Picture, box: Box, colour: str, colours: dict[str, str]) -> None:
    picture.rect(box.x, box.y, BOX, box.height, fill="raised", stroke=colour, radius=5)
    picture.text(box.x + 10, box.y + 18, box.table.name, size=13, is_code=True, is_bold=True, colour=colour)
    count = len(box.table.columns)
    picture.text(box.x + BOX - 8, box.y + 17, f"{count} columns", size=10.5, colour="soft", anchor="end")
    picture.path([(box.x, box.y + HEAD - 1), (box.x + BOX, box.y + HEAD - 1)], colour, width=1)
    y = box.y + HEAD + 15
    for key in box.keys:
        if key.primary_key:
            picture.circle(box.x + 10, y - 4, 3, fill=colour)
        picture.text(box.x + 19, y, key.name, size=SIZE, is_code=True, is_bold=key.primary_key)
        if target := _target(key):
            behind_x = box.x + 19 + width_of(key.name + " ", SIZE, is_code=True)
            picture.text(behind_x, y, f"→ {target}", size=SIZE, is_code=True, colour=colours[target])
        y += LINE
    for name in box.others:
        picture.text(box.x + 19, y, name, size=SIZE, is_code=True)
        y += LINE
    if box.rest_count:
        picture.text(box.x + 19, y, f"and {box.rest_count} more", size=SIZE, colour="soft")


def _legend(picture: Picture, y: float) -> None:
    picture.circle(LEFT + 4, y - 4, 3, fill="soft")
    picture.text(LEFT + 14, y, "primary key", size=12.5, colour="soft")
    picture.text(LEFT + 106, y, "→ table", size=12, colour="soft", is_code=True)
    picture.text(LEFT + 170, y, "the row that it points to", size=12.5, colour="soft")
    for x, words, is_single in ((346, "any number of rows", False), (514, "at most one row", True)):
        picture.path([(LEFT + x, y - 4), (LEFT + x + 26, y - 4)], "soft")
        picture.path([(LEFT + x + 26, y - 10), (LEFT + x + 26, y + 2)], "soft")
        _end(picture, LEFT + x + 26, y - 4, "soft", is_single=is_single)
        picture.text(LEFT + x + 34, y, words, size=12.5, colour="soft")
    picture.text(LEFT + 690, y, "docs/data-format.md explains every column.", size=12.5, colour="soft")
