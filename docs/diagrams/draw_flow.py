"""The flow of one video, and what each stage writes: from the stages, the pipelines, the item and the tables."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

from all_tables import metadata
from draw_gate import colour_of
from scrapy.utils.misc import load_object
from svg import CODE_WIDTH, Picture, width_of, wrapped

from pytomo_scrapy.addons import PIPELINES
from pytomo_scrapy.crawl.gate import Activity
from pytomo_scrapy.failures import FAILURES, Stage
from pytomo_scrapy.items import VideoItem

WIDTH = 1000
# Left edges of the columns.
STAGE, GATE, DOES, SETS, ROWS = 48, 196, 288, 560, 726
STAGE_WIDTH = 128
TOP, LINE = 118, 17
# As what a stage holds the gate. Any other takes the probes' share.
HOLDS = {
    Stage.PAGE: Activity.PAGE,
    Stage.RESOLVE: Activity.PAGE,
    Stage.DOWNLOAD: Activity.WINDOW,
    Stage.PLAYBACK: Activity.ANALYSIS,
    Stage.STORE: None,
}
# In plain words. A stage that is not here is described by the docstring of its pipeline.
DOES_WHAT = {
    Stage.PAGE: "Reads the watch page: related videos enter the crawl. A page that fails costs nothing else.",
    Stage.RESOLVE: "Asks the service for the URLs of the media.",
    Stage.DNS: "Asks every resolver for the media hosts, pins an address, and looks up its network.",
    Stage.PING: "Measures the idle round trip to every address and to the gateway.",
    Stage.DOWNLOAD: "Fetches the media for a fixed time, in a process of its own. Each arrival is stamped.",
    Stage.PLAYBACK: "Reads the media time of what arrived, and plays it in simulated players.",
    Stage.STORE: "Writes all rows in one transaction, whatever failed before.",
}
# Where the name of the stage does not lead to its fields and tables.
FIELDS = {
    Stage.PAGE: ("page",),
    Stage.DNS: ("dns", "networks"),
    Stage.DOWNLOAD: ("downloads", "ping", "quality_spells"),
    Stage.PLAYBACK: ("timelines", "playbacks", "ladders", "join_time_s", "controls"),
    Stage.STORE: (),
}
TABLES = {
    Stage.PAGE: ("frontier",),
    Stage.RESOLVE: ("video", "stream"),
    Stage.DNS: ("network",),
    Stage.DOWNLOAD: ("stream", "ping", "quality_spell"),
    Stage.PLAYBACK: ("media_timeline", "stream", "ladder", "control_window"),
    Stage.STORE: ("measurement", "figure", "frontier", "autopsy"),
}
NOTES = {
    (Stage.PAGE, "frontier"): "(at once)",
    (Stage.RESOLVE, "stream"): "(announced)",
    (Stage.DOWNLOAD, "stream"): "(received)",
    (Stage.DOWNLOAD, "ping"): "(of redirects, afterwards)",
    (Stage.PLAYBACK, "stream"): "(file_*)",
    (Stage.PLAYBACK, "control_window"): "(after a bad window)",
    (Stage.STORE, "measurement"): "(the rest)",
    (Stage.STORE, "frontier"): "(done)",
    (Stage.STORE, "autopsy"): "(afterwards)",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the picture."""

    stage: Stage
    activity: Activity | None
    does: str
    sets: tuple[str, ...]
    rows: tuple[str, ...]


def steps() -> list[Step]:
    """Return the stages in the order in which they run. Raises ValueError where the tables contradict each other."""
    pipelines = {
        load_object(path).stage: load_object(path) for path, _ in sorted(PIPELINES.items(), key=lambda row: row[1])
    }
    if [Stage.PAGE, *pipelines] != list(Stage):
        raise ValueError(f"The pipelines run {list(pipelines)}, which is not the order of the stages.")
    found = [_step(stage, pipelines.get(stage)) for stage in Stage]
    drawn = {row.split(".")[0] for step in found for row in step.rows}
    if missing := {"measurement", *_below("measurement")} - drawn:
        raise ValueError(f"Say in docs/diagrams/draw_flow.py which stage writes: {', '.join(sorted(missing))}.")
    return found


def _step(stage: Stage, pipeline: type | None) -> Step:
    known = [field.name for field in fields(VideoItem)]
    sets = FIELDS.get(stage, tuple(name for name in known if name.startswith(stage.value)))
    if unknown := set(sets) - set(known):
        raise ValueError(f"An item has no field {', '.join(sorted(unknown))}: see docs/diagrams/draw_flow.py.")
    does = DOES_WHAT.get(stage) or (pipeline.__doc__ or "").strip().splitlines()[0]
    return Step(stage, HOLDS.get(stage, Activity.PROBE), does, sets, _rows(stage, sets))


def _rows(stage: Stage, sets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tables named like the stage with all below them, those of TABLES, and columns of the measurement."""
    columns = metadata.tables["measurement"].columns.keys()
    own = [f"measurement.{stage}_*"] if any(name.startswith(f"{stage}_") for name in columns) else []
    own += [f"measurement.{name}" for name in sets if name in columns and not name.startswith(f"{stage}_")]
    elsewhere = {name for other, names in TABLES.items() if other is not stage for name in names}
    named = [name for name in _below("measurement") if name.startswith(stage.value)]
    named += [name for root in named for name in _below(root) if name not in elsewhere]
    extra = TABLES.get(stage, ())
    if unknown := set(extra) - set(metadata.tables):
        raise ValueError(f"There is no table {', '.join(sorted(unknown))}: see docs/diagrams/draw_flow.py.")
    return tuple(dict.fromkeys([*own, *named, *extra]))


def _below(table: str) -> list[str]:
    """Return the tables whose rows belong to one of `table`, however far down."""
    return [
        other.name
        for other in metadata.sorted_tables
        if other.name != table
        and any(_leads_to(other.name, key.column.table.name, table) for key in other.foreign_keys)
    ]


def _leads_to(_: str, parent: str, table: str) -> bool:
    keys = metadata.tables[parent].foreign_keys
    return parent == table or any(_leads_to(parent, key.column.table.name, table) for key in keys)


def draw() -> str:
    """Return the picture."""
    found = steps()
    sentences = [
        f"{step.stage}: sets {', '.join(step.sets) or 'nothing'}, written to {', '.join(step.rows)}." for step in found
    ]
    picture = Picture(WIDTH, "The flow of one video, and what each stage writes", " ".join(sentences))
    picture.text(24, 38, "The flow of one video, and what each stage writes", size=19, is_bold=True)
    picture.text(
        24,
        62,
        "Each stage sets its own field of the item. The last one writes the rows, all in one transaction.",
        colour="soft",
    )
    for x, words in (
        (STAGE, "stage"),
        (GATE, "gate"),
        (DOES, "what it does"),
        (SETS, "sets on the item"),
        (ROWS, "rows in the database"),
    ):
        picture.text(x, TOP - 16, words, colour="soft", size=12)
    y, boxes = float(TOP), {}
    for step in found:
        height = _row(picture, step, y)
        boxes[step.stage] = (y, height)
        y += height + 16
    _arrows(picture, boxes)
    return picture.drawn(_legend(picture, y + 8))


def _row(picture: Picture, step: Step, y: float) -> float:
    words = wrapped(step.does, SETS - DOES - 16, 13)
    height = 22 + LINE * max(2, len(words), len(step.sets), len(step.rows))
    colour = colour_of(step.activity) if step.activity else "green"
    is_quiet = step.activity is Activity.WINDOW
    if is_quiet:
        picture.rect(34, y - 7, WIDTH - 52, height + 14, fill="orange-tint", stroke="orange", radius=8, dash="5 4")
        picture.text(DOES, y + height - 20, "Quiet window: nothing else", size=12, colour="orange", is_bold=True)
        picture.text(DOES, y + height - 5, "of ours is on the wire.", size=12, colour="orange", is_bold=True)
    picture.rect(
        STAGE, y, STAGE_WIDTH, height, fill=f"{colour}-tint" if not is_quiet else "raised", stroke=colour, radius=8
    )
    picture.text(STAGE + STAGE_WIDTH / 2, y + height / 2 + 6, step.stage.value, size=16, anchor="middle", is_bold=True)
    if step.activity is None:
        picture.text(GATE, y + 21, "not held", size=12, colour="soft")
    else:
        picture.rect(GATE, y + 6, 76, 22, fill="raised", stroke=colour, radius=11)
        picture.text(
            GATE + 38, y + 21, step.activity.name.lower(), size=12, anchor="middle", colour=colour, is_bold=True
        )
    picture.lines(DOES, y + 21, words, step=LINE)
    for index, name in enumerate(step.sets):
        picture.text(SETS, y + 21 + index * LINE, name, size=12.5, is_code=True)
    if not step.sets:
        picture.text(SETS, y + 21, "nothing", size=12, colour="soft")
    for index, name in enumerate(step.rows):
        picture.text(ROWS, y + 21 + index * LINE, name, size=12.5, is_code=True)
        if note := NOTES.get((step.stage, name)):
            x = ROWS + width_of(name, 12.5, is_code=True) + 12.5 * CODE_WIDTH
            picture.text(x, y + 21 + index * LINE, note, size=12, colour="soft")
    return height


def _arrows(picture: Picture, boxes: dict[Stage, tuple[float, float]]) -> None:
    """Draw the way of the item, and the short cut after a failure that ends the session."""
    middle, stages = STAGE + STAGE_WIDTH / 2, list(boxes)
    for before, after in pairwise(stages):
        end_y = sum(boxes[before])
        picture.arrow([(middle, end_y), (middle, boxes[after][0])], "ink")
    store_y, store_height = boxes[Stage.STORE]
    ending = [stage for stage in stages if f"skipped_after_{stage}" in FAILURES]
    for stage in ending:
        y, height = boxes[stage]
        picture.path([(STAGE, y + height / 2), (20, y + height / 2), (20, store_y)], "soft", dash="4 3")
    picture.arrow(
        [(20, store_y), (20, store_y + store_height / 2), (STAGE, store_y + store_height / 2)], "soft", dash="4 3"
    )


def _legend(picture: Picture, y: float) -> float:
    classes = [name for name in FAILURES if name.startswith("skipped_after_")]
    picture.path([(24, y + 5), (56, y + 5)], "soft", dash="4 3")
    picture.text(64, y + 10, "A failure here ends the session: what follows is not tried, and its own failure says so:")
    picture.text(64, y + 28, ", ".join(classes), size=12.5, is_code=True, colour="soft")
    picture.text(
        64,
        y + 46,
        "What arrived before a download failed is played. A page or ping that fails ends nothing. Every row is stored.",
    )
    return y + 66
