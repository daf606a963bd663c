"""The gate: which activities may run at the same time, from the table that the gate itself asks."""

from __future__ import annotations

from itertools import combinations

from svg import Picture, width_of, wrapped

from pytomo_scrapy.crawl.gate import _TOGETHER, Activity

WIDTH, LEFT, TOP, CELL = 1000, 24, 104, 62
COLOUR_OF = {Activity.PAGE: "blue", Activity.PROBE: "teal", Activity.WINDOW: "orange", Activity.ANALYSIS: "purple"}
# What holds the gate as what, for the reader.
WHAT = {
    Activity.PAGE: "pages and resolutions",
    Activity.PROBE: "DNS look-ups and pings",
    Activity.WINDOW: "the download",
    Activity.ANALYSIS: "media time and playback",
}


def colour_of(activity: Activity) -> str:
    """Return the colour that an activity has in every picture."""
    return COLOUR_OF.get(activity, "green")


def may_share(*activities: Activity) -> bool:
    """Tell whether the gate lets these in together; the same one twice means two of its kind."""
    return all(frozenset(pair) in _TOGETHER for pair in combinations(activities, 2))


def rooms() -> list[tuple[Activity, ...]]:
    """Return the largest sets of activities that may all hold the gate at once."""
    every = [
        group
        for size in range(len(Activity), 0, -1)
        for group in combinations(Activity, size)
        if size == 1 or may_share(*group)
    ]
    return [group for group in every if not any(set(group) < set(other) for other in every)]


def draw() -> str:
    """Return the picture."""
    pairs = [" with ".join(sorted(one.name.lower() for one in pair)) for pair in sorted(_TOGETHER, key=_order)]
    picture = Picture(
        WIDTH,
        "The gate: what may run at the same time",
        f"Allowed together: {', '.join(pairs)} (a kind alone: several of it). Everything else waits for its turn.",
    )
    picture.text(LEFT, 38, "The gate: what may run at the same time", size=19, is_bold=True)
    picture.text(
        LEFT,
        62,
        "Whatever uses the wire or the processor holds the gate meanwhile. What has to wait is let in by the",
        colour="soft",
    )
    picture.text(LEFT, 79, "order of arrival, so that no kind starves.", colour="soft")
    bottom = max(_matrix(picture), _rooms(picture))
    setting = "PYTOMO_QUIET_WINDOW=0"
    picture.text(LEFT, bottom + 30, setting, size=12.5, colour="soft", is_code=True)
    behind_x = LEFT + width_of(setting, 12.5, is_code=True) + 8
    picture.text(behind_x, bottom + 30, "opens the gate for everything but a second window.", colour="soft")
    return picture.drawn(bottom + 48)


def _order(pair: frozenset[Activity]) -> list[int]:
    return sorted(activity.value for activity in pair)


def _matrix(picture: Picture) -> float:
    kinds, left = list(Activity), LEFT + 178
    for index, column in enumerate(kinds):
        middle = left + index * CELL + CELL / 2
        picture.text(
            middle, TOP + 26, column.name.lower(), anchor="middle", is_bold=True, colour=colour_of(column), size=12
        )
    for index, row in enumerate(kinds):
        y = TOP + 38 + index * CELL
        picture.text(left - 12, y + CELL / 2 - 3, row.name.lower(), anchor="end", is_bold=True, colour=colour_of(row))
        picture.text(left - 12, y + CELL / 2 + 14, WHAT.get(row, ""), anchor="end", colour="soft", size=12)
        for place, column in enumerate(kinds):
            _cell(picture, left + place * CELL, y, is_allowed=may_share(row, column), is_same=row is column)
    return TOP + 38 + len(kinds) * CELL


def _cell(picture: Picture, x: float, y: float, *, is_allowed: bool, is_same: bool) -> None:
    tint = "green-tint" if is_allowed else "grey-tint"
    picture.rect(x + 2, y + 2, CELL - 4, CELL - 4, fill=tint, radius=6)
    middle, centre = x + CELL / 2, y + CELL / 2 - 5
    if is_allowed:
        picture.path([(middle - 9, centre), (middle - 3, centre + 7), (middle + 9, centre - 8)], "green", width=3)
    else:
        picture.path([(middle - 7, centre - 7), (middle + 7, centre + 7)], "soft", width=2)
        picture.path([(middle - 7, centre + 7), (middle + 7, centre - 7)], "soft", width=2)
    word = ("several" if is_allowed else "one only") if is_same else ("together" if is_allowed else "waits")
    picture.text(middle, y + CELL - 10, word, anchor="middle", size=11, colour="ink" if is_allowed else "soft")


def _rooms(picture: Picture) -> float:
    """Draw the same table as the states that the line can be in."""
    left, y = LEFT + 178 + len(Activity) * CELL + 56, TOP + 10.0
    width = WIDTH - LEFT - left
    picture.text(left, y + 14, "At any moment one of these:", is_bold=True, size=14)
    y += 30
    for room in rooms():
        x, step = left + 12, (width - 24) / len(room)
        picture.rect(left, y, width, 70, fill="raised", stroke="line", radius=8)
        for activity in room:
            colour = colour_of(activity)
            count = 3 if may_share(activity, activity) else 1
            for index in range(count):
                picture.rect(x + index * 34, y + 11, 28, 15, fill=f"{colour}-tint", stroke=colour, radius=4)
            words = f"{activity.name.lower()}: {'any number' if count > 1 else 'one'}"
            words += "" if len(room) > 1 or count > 1 else ", alone"
            picture.text(x, y + 42, words, colour=colour, is_bold=True)
            picture.lines(x, y + 58, wrapped(WHAT.get(activity, ""), step, 11)[:1], size=11, colour="soft")
            x += step
        y += 82
    return y - 12
