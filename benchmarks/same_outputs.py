"""Show that what a user sees is the same before and after a change of the code.

    python benchmarks/same_outputs.py all FOLDER --old CHECKOUT --database DB [--make] [--traces FOLDER]
    python benchmarks/same_outputs.py record FOLDER --database DB [--checkout CHECKOUT] [--make] [--traces FOLDER]
    python benchmarks/same_outputs.py compare FOLDER FOLDER

`record` writes into a new folder what one checkout makes of a database: reports, exports, status, plots, the view of
Pytomo 3, rows of every table, the schema, the web page with its JSON answers, replays and simulations. `compare` prints
a line for each output and ends with 1 where one differs. `all` records another checkout and this one, and compares.

`--make` makes the database first, by seeded crawls of the offline lab (five minutes). Each side gets a copy of it,
because opening a database brings it up to date. Where the new code has another history of migrations and cannot open
the old file, `--transplant` copies its rows into an empty database that the new code has made.

A recording takes a minute and a half of processor time; `--only texts web` records these parts only, and `compare
--common` then leaves out the others. Without `--traces` the arrivals to simulate are made up over the lab's clips.

The checkouts are only called by their command lines, each by its own `.venv/bin/python` where it has one. The schema
and the rows are those of SQLite: PostgreSQL is left to the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from outputs_compare import print_comparison, readable_pdf
from outputs_database import OLD_ROWS, age, copy_database, describe_schema, rows_of, transplant
from outputs_traces import drawn_traces, recorded_traces
from outputs_web import answers_of

HERE = Path(__file__).resolve().parents[1]
# Every player, with a change of one of its parameters.
PLAYERS = {
    "classic": "initial_buffer_s=3",
    "progressive": "start_buffer_s=1",
    "dashjs": "buffer_goal_s=8",
    "shaka": "buffer_goal_s=20",
    "exo": "start_buffer_s=1",
    "youtube": "resume_buffer_s=2",
}
_DATABASE = "lab.db"
_TIMEOUT_S = 900
_MOST_SHOWN = 100  # measurements that are recorded one by one
_PLOTTED_EVERY = 5


@dataclass(frozen=True, slots=True)
class Side:
    """One checkout, where it runs, and where its outputs go."""

    checkout: Path
    python: Path
    work: Path
    out: Path
    traces: Path | None  # recorded sessions to simulate; None: made-up arrivals

    def environment(self) -> dict[str, str]:
        """Return the environment of the commands: nothing of the caller's may change what they print."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTOMO_", "SCRAPY_"))}
        return kept | {
            "PYTHONPATH": str(self.checkout),
            "SCRAPY_SETTINGS_MODULE": "pytomo_scrapy.settings",
            # Relative, as every name that a command is given: the outputs then hold no path of this machine.
            "PYTOMO_DATABASE_URL": f"sqlite:///{_DATABASE}",
            "COLUMNS": "120",
            "NO_COLOR": "1",
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *words: str, program: Sequence[str] = ("-m", "pytomo_scrapy")) -> subprocess.CompletedProcess[str]:
        """Run a command in the work folder."""
        return subprocess.run(
            [self.python, *program, *words],
            cwd=self.work,
            env=self.environment(),
            timeout=_TIMEOUT_S,
            capture_output=True,
            text=True,
            check=False,
        )

    def tell(self, name: str, *words: str) -> None:
        """Record what a command prints; where it fails, its exit code and sentence too."""
        done = self.run(*words)
        failed = f"exit code {done.returncode}\n{done.stderr}" if done.returncode else ""
        self.write(name, done.stdout + failed)

    def write(self, name: str, text: str) -> None:
        """Record a text."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Bytes: line ends stay as they are.
        path.write_bytes(text.encode("utf-8"))

    def open_database(self) -> None:
        """Let the code create its database or bring it up to date. Ends the program where it cannot."""
        done = self.run("db", "upgrade")
        if done.returncode:
            sys.exit(f"{self.checkout} cannot open the database (--transplant copies its rows):\n{done.stderr}")

    @property
    def database(self) -> Path:
        """Return the database of this side."""
        return self.work / _DATABASE


@contextmanager
def side_of(checkout: Path, out: Path, python: Path | None, traces: Path | None) -> Iterator[Side]:
    """Give a side with a work folder of its own. Ends the program where another checkout's code would answer."""
    own = checkout / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="pytomo-same-") as work:
        python = python or (own if own.exists() else Path(sys.executable))
        side = Side(checkout.resolve(), python, Path(work), out, traces and traces.resolve())
        done = side.run(program=("-c", "import pytomo_scrapy; print(pytomo_scrapy.__path__[0])"))
        if Path(done.stdout.strip()).parent != side.checkout:
            sys.exit(f"{side.python} does not run the code of {side.checkout}: {done.stdout}{done.stderr}")
        yield side


# Options of the lab, arguments of the spider and settings; the first crawl is pruned to aggregates of its day.
_CRAWLS: tuple[tuple[str, str, str], ...] = (
    ("--world demo", "crawl=pruned time_frame=week max_crawled_url=7", "DOWNLOAD_WINDOW_S=4 VANTAGE=attic"),
    (
        "",
        "crawl=experiments related=0 urls=fMvC8NViRVA,CGNIzzGfeuY,ZC81Uz4iQrs,Um_WIoFp3-g,XsN_rgvOEp0,dY9E5ix3YD0,"
        "l_RhyCsjicY,W5dJDFvAMLo,Q7SAd6TFp7Q",
        "DOWNLOAD_WINDOW_S=10 PROVIDER=other DOWNLOAD_BULK_EVERY=3",
    ),
    (
        "--world faults",
        "crawl=faults max_crawled_url=40 max_rounds=2",
        "DOWNLOAD_WINDOW_S=3 IP_FAMILY=both BACKOFF_RETRY_S=0 BACKOFF_PAUSE_S=0 BROKEN_CLIENT_MAX=0",
    ),
    ("--seed 1", "crawl=unfinished max_crawled_url=12", "DOWNLOAD_WINDOW_S=4"),
)


def make_database(side: Side, target: Path) -> None:
    """Make a database with every class of failure, several days, aggregates, an unfinished crawl and old rows."""
    for place, (lab, arguments, settings) in enumerate(_CRAWLS):
        words = [word for one in ("seed=1", *arguments.split()) for word in ("-a", one)]
        for one in ("PACE_S=0", *settings.split()):
            words += ["-s", f"PYTOMO_{one}"]
        if "unfinished" in arguments:
            words += ["-s", "CLOSESPIDER_ITEMCOUNT=6"]
        print(f"crawl: {arguments}", flush=True)
        done = side.run("lab", *lab.split(), "crawl", "youtube", *words, program=("-m", "scrapy"))
        if done.returncode:
            sys.exit(f"The crawl ended with {done.returncode}:\n{done.stderr[-2000:]}")
        if place == 0:
            age(side.database, days=2)
            done = side.run("prune", "--older-than", "24h", "--measurements")
        elif place == 1:
            age(side.database, days=1)
    imported = side.run("import-legacy", str(next(side.checkout.glob(OLD_ROWS))))
    if done.returncode or imported.returncode:
        sys.exit(f"The database could not be finished: {done.stderr}{imported.stderr}")
    target.parent.mkdir(parents=True, exist_ok=True)
    copy_database(side.database, target)


def record(side: Side, source: Path, *, is_transplanted: bool, parts: Collection[str]) -> None:
    """Record the outputs of one side over its own copy of the database: schema and rows, and the parts asked for."""
    if side.out.exists() and any(side.out.iterdir()):
        sys.exit(f"{side.out} is not empty: record into a new folder.")
    side.out.mkdir(parents=True, exist_ok=True)
    side.open_database()
    side.write("schema-of-a-new-database.txt", describe_schema(side.database))
    if is_transplanted:
        # Not in the work folder: the web page would show it as a further database.
        with tempfile.TemporaryDirectory(prefix="pytomo-same-") as folder:
            copied = Path(folder) / "source.db"
            copy_database(source, copied)
            for sentence in transplant(copied, side.database):
                print(f"transplant: {sentence}", flush=True)
    else:
        for path in side.work.glob(f"{_DATABASE}*"):
            path.unlink()
        copy_database(source, side.database)
    side.open_database()
    side.write("schema.txt", describe_schema(side.database))
    record_rows(side, "rows")
    for name, record_part in PARTS.items():
        if name in parts:
            record_part(side)


def record_rows(side: Side, folder: str) -> None:
    """Record the rows of every table and view."""
    for name, text in rows_of(side.database).items():
        side.write(f"{folder}/{name}.jsonl", text)


def record_texts(side: Side) -> None:
    """Record what commands print, their help, and what they say to words that they do not understand."""
    side.tell("report.json", "report", "--json")
    side.tell("report.txt", "report")
    side.tell("report-crawl.json", "report", "--json", "--crawl", "experiments")
    side.tell("status.json", "status", "--all", "--json")
    side.tell("status.txt", "status", "--all")
    side.tell("db_revision.txt", "db", "revision")
    side.tell("prune.txt", "prune", "--older-than", "12h", "--measurements", "--dry-run")
    side.tell("lab.txt", "lab", "list")
    side.tell("help/pytomo.txt", "--help")
    commands = re.findall(r"^  ([a-z-]+) ", (side.out / "help" / "pytomo.txt").read_text(), re.MULTILINE)
    for command in commands:
        side.tell(f"help/{command}.txt", command, "-h")
    wrong = (("nonsense",), ("report", "nonsense"), ("replay", "--player", "flash"), ("plot", "nonsense"), ("measure",))
    for number, words in enumerate((*wrong, ("export", "--where", "nonsense = 1"), ("crawl", "-s", "PYTOMO_PACE_S=x"))):
        side.tell(f"refusals/{number}-{words[0]}.txt", *words)
    side.run("report", "--pdf", "report.pdf")
    pdf = side.work / "report.pdf"
    side.write("report-pdf.txt", readable_pdf(pdf.read_bytes()) if pdf.exists() else "none\n")
    for key in _measurement_ids(side)[::_PLOTTED_EVERY]:
        done = side.run("plot", "-o", "plot.svg", str(key))
        side.write(f"plots/{key}.svg", done.stderr if done.returncode else (side.work / "plot.svg").read_text())


def _measurement_ids(side: Side) -> list[int]:
    """Return measurements, evenly chosen where there are many."""
    with closing(sqlite3.connect(side.database)) as connection:
        found = [key for (key,) in connection.execute("SELECT id FROM measurement ORDER BY id")]
    return found[:: len(found) // _MOST_SHOWN + 1]


def record_exports(side: Side) -> None:
    """Record every shape in every format that needs no further package. Parquet writes the same rows."""
    for file_format, shape in product(("csv", "jsonl", "sqlite"), ("wide", "tables", "legacy")):
        name = f"{file_format}-{shape}"
        side.tell(f"export/{name}.txt", "export", "--format", file_format, f"--{shape}", name)
        for path in sorted((side.work / name).iterdir()):
            if path.suffix == ".db":
                # As statements: how SQLite fills its pages is nothing of ours.
                with closing(sqlite3.connect(path)) as connection:
                    text = "\n".join(connection.iterdump()) + "\n"
                side.write(f"export/{name}/{path.stem}.sql", text)
            else:
                side.write(f"export/{name}/{path.name}", path.read_bytes().decode("utf-8"))
    side.tell("export/chosen.csv", "export", "--where", "failure IS NULL", "--since", "2000-01-01", "-")


def record_web(side: Side) -> None:
    """Record what the web page answers: its pages, and the JSON that programs ask for."""
    server = subprocess.Popen(
        [side.python, "-m", "pytomo_scrapy", "serve", "0"],
        cwd=side.work,
        env=side.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        where = re.search(r"http://(127\.0\.0\.1:\d+)/", server.stdout.readline())
        if where is None:
            sys.exit("The web page did not start.")
        for name, text in answers_of(where[1], _measurement_ids(side)).items():
            side.write(f"web/{name}.txt", text.replace(str(side.work), "WORK"))
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def record_simulations(side: Side) -> None:
    """Record what every player makes of every trace."""
    names = []
    for name, trace in recorded_traces(side.traces) if side.traces else drawn_traces():
        (side.work / name).write_text(json.dumps(trace))
        names.append(name)
    side.write("simulate/traces.txt", "".join(f"{name}\n" for name in names))
    for player, words in _players():
        side.tell(f"simulate/{player}.jsonl", "simulate", *words, *names)


def record_replays(side: Side) -> None:
    """Record what every player makes of the stored arrivals, and the rows that this adds."""
    for player, words in _players():
        side.tell(f"replay/{player}.json", "replay", *words, "--json", "--p1203", "p1203.jsonl")
        p1203 = side.work / "p1203.jsonl"
        side.write(f"replay/{player}-p1203.jsonl", p1203.read_text() if p1203.exists() else "")
        p1203.unlink(missing_ok=True)
    side.tell("replay/again.txt", "replay", "--player", "classic", "--where", "crawl=experiments")
    record_rows(side, "rows-replayed")


def _players() -> Iterator[tuple[str, tuple[str, ...]]]:
    for player, change in PLAYERS.items():
        yield player, ("--player", player)
        yield f"{player}-changed", ("--player", player, "--set", change)


# What only reads first: replays add their results to the database.
PARTS = {
    "texts": record_texts,
    "exports": record_exports,
    "web": record_web,
    "simulations": record_simulations,
    "replays": record_replays,
}


def main() -> None:
    """Record, compare, or both. Exit code 1 where outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    comparing = commands.add_parser("compare", help="compare two recordings")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    comparing.add_argument("--common", action="store_true", help="leave out what only one of them recorded")
    recording = commands.add_parser("record", help="record the outputs of one checkout")
    both = commands.add_parser("all", help="record another checkout and this one, and compare")
    for one in (recording, both):
        one.add_argument("folder", type=Path, help="new folder for the outputs")
        one.add_argument("--database", type=Path, required=True, help="SQLite file; it is copied, never changed")
        one.add_argument("--make", action="store_true", help="make the database first, with the (old) checkout")
        one.add_argument("--transplant", action="store_true", help="copy rows into a database that the (new) code made")
        one.add_argument("--traces", type=Path, help="folder of recorded sessions; default: arrivals are made up")
        one.add_argument("--python", type=Path, help="interpreter; default: that of the checkout's own .venv")
        one.add_argument(
            "--only",
            nargs="+",
            choices=PARTS,
            default=tuple(PARTS),
            metavar="PART",
            help=f"parts to record: {', '.join(PARTS)}; default: all",
        )
    recording.add_argument("--checkout", type=Path, default=HERE, help="whose outputs; default: this one")
    both.add_argument("--old", type=Path, required=True, help="checkout to compare with")
    both.add_argument("--new", type=Path, default=HERE, help="checkout that is compared; default: this one")
    asked = parser.parse_args()
    if asked.command == "compare":
        sys.exit(0 if print_comparison(asked.old, asked.new, is_common=asked.common) else 1)
    first = asked.checkout if asked.command == "record" else asked.old
    if asked.make:
        if asked.database.exists():
            sys.exit(f"{asked.database} is there already: --make makes a new one.")
        with side_of(first, asked.folder, asked.python, None) as side:
            make_database(side, asked.database)
    if asked.command == "record":
        _record(asked, first, asked.folder, is_new=True)
        return
    _record(asked, asked.old, asked.folder / "old", is_new=False)
    _record(asked, asked.new, asked.folder / "new", is_new=True)
    sys.exit(0 if print_comparison(asked.folder / "old", asked.folder / "new") else 1)


def _record(asked: argparse.Namespace, checkout: Path, out: Path, *, is_new: bool) -> None:
    with side_of(checkout, out, asked.python, asked.traces) as side:
        record(side, asked.database, is_transplanted=asked.transplant and is_new, parts=asked.only)
    print(f"{checkout} is recorded in {out}", flush=True)


if __name__ == "__main__":
    main()
