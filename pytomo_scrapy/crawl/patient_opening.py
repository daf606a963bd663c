"""Opens the database of a crawl that is to begin: one that is away for now is waited for, with a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable

from pytomo_scrapy.crawl.retrying import FIRST_WAIT_S, LONGEST_WAIT_S
from pytomo_scrapy.failures import AwayError
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.lock_waits import BUSY_TIMEOUT_S

Say = Callable[[str], object]


def open_patiently(
    url: str,
    patience_s: float,
    *,
    after_migration: Callable[[Database], object] | None = None,
    say: Say = lambda sentence: None,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Database:
    """Open the database, again while it is away, for `patience_s`. Blocking. Raises StorageError as `open_database`.

    `say` is told once that the database is waited for, after a lock of `busy_timeout_s` at the latest.
    """
    until_s, wait_s, is_said = time.monotonic() + patience_s, FIRST_WAIT_S, False
    while True:
        try:
            return open_database(url, busy_timeout_s=busy_timeout_s, after_migration=after_migration)
        # Any other error (a newer schema, a wrong password) stays as it is, however long one waits.
        except AwayError as error:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise
            # Once: a supervisor's log would fill with the sentence while a server is upgraded.
            if not is_said:
                say(f"{error} The crawl waits up to {left_s:.0f} s for it.")
                is_said = True
        time.sleep(min(wait_s, left_s))
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
