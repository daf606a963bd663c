"""The rows of each run in a period: how many, since when, and which clients answered them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.counts import counted, split_key
from pytomo_scrapy.analysis.columnar.scan import ColumnScan
from pytomo_scrapy.analysis.fixed_effects import numbered
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.database import read_once

_KNOWN = "rows of runs"


@dataclass(frozen=True, slots=True)
class RunRows:
    """The rows of one run, valid or not."""

    first_s: int
    row_count: int
    clients: Counter[str] = field(default_factory=Counter)

    @property
    def client(self) -> str | None:
        """The client that answered most of them. None where none is known."""
        return self.clients.most_common(1)[0][0] if self.clients else None

    def __add__(self, later: RunRows) -> RunRows:
        clients = self.clients + later.clients
        return RunRows(min(self.first_s, later.first_s), self.row_count + later.row_count, clients)


def rows_of_runs(connection: Connection, selection: Selection) -> Mapping[int, RunRows]:
    """Return the rows of each run that has any in the period, whatever filters ask for, but for a user's condition.

    A page asks for its period, and for that with the one before it: what is known of an end is not read again.
    """
    words = selection.condition.words if selection.condition is not None else None
    known: dict[tuple[int, int], Mapping[int, RunRows]] = read_once(connection, (_KNOWN, words), dict)
    start_s, end_s = selection.start_s, selection.end_s
    if (start_s, end_s) not in known:
        begins = [begin_s for begin_s, known_end_s in known if known_end_s == end_s and begin_s > start_s]
        middle_s = min(begins, default=end_s)
        found = _read(connection, Selection(start_s, middle_s, is_valid_only=False, condition=selection.condition))
        known[start_s, end_s] = _joined(found, known[middle_s, end_s]) if begins else found
    return known[start_s, end_s]


def _joined(before: Mapping[int, RunRows], after: Mapping[int, RunRows]) -> Mapping[int, RunRows]:
    both = {run_id: rows + after[run_id] for run_id, rows in before.items() if run_id in after}
    return {**before, **after, **both}


def _read(connection: Connection, selection: Selection) -> Mapping[int, RunRows]:
    total: dict[int, RunRows] = {}
    scan = ColumnScan(connection, selection)
    for rows in scan:
        run_ids = rows.whole("run_id")
        present, sizes = counted(run_ids)
        first = np.full(len(present), np.iinfo(np.int64).max)
        np.minimum.at(first, numbered(run_ids), rows.whole("started_s"))
        clients: dict[int, Counter[str]] = {run_id: Counter() for run_id in present.tolist()}
        for key, size in zip(*(part.tolist() for part in counted(run_ids, rows.words("client"))), strict=True):
            run_id, code = split_key(key)
            client = scan.texts.text(code)
            if client is not None:
                clients[run_id][client] += size
        for run_id, first_s, size in zip(present.tolist(), first.tolist(), sizes.tolist(), strict=True):
            found = RunRows(first_s, size, clients[run_id])
            total[run_id] = total[run_id] + found if run_id in total else found
    return total
