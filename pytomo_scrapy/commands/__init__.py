"""Scrapy commands, thin over the functions they call, and what they share.

Scrapy imports the modules of all commands before it runs one: what takes long to import (the database, the probes, the
lab, NumPy) is imported by the functions that use it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn

from pytomo_scrapy.failures import LineError, SettingError, StorageError
from pytomo_scrapy.items.foreign_text import printable

if TYPE_CHECKING:
    from scrapy.settings import Settings

    from pytomo_scrapy.config import Config
    from pytomo_scrapy.storage.database import Database

# A script tells a wrong word, which stays wrong, from a database or line that is away, which is worth another try.
EXIT_USAGE = 2
EXIT_FAILED = 3
EXIT_INTERRUPTED = 130


def refuse(sentence: object, exit_code: int = EXIT_USAGE) -> NoReturn:
    """End the command with one sentence and nothing else: Scrapy's UsageError would print the usage around it."""
    sys.stderr.write(f"{printable(str(sentence), has_lines=True)}\n")
    sys.exit(exit_code)


class PipedCommand:
    """What a command that prints results needs besides ScrapyCommand: whoever reads them may have seen enough.

    The end of `pytomo report | head` is no error, under `scrapy` neither.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # Where it is written: a class that inherits its `run` has one that is wrapped already.
        if "run" in cls.__dict__:
            cls.run = _quiet_in_a_pipe(cls.run)  # type: ignore[attr-defined]


def _quiet_in_a_pipe(run: Callable[..., None]) -> Callable[..., None]:
    @wraps(run)
    def run_quietly(*args: Any, **options: Any) -> None:
        try:
            run(*args, **options)
            sys.stdout.flush()
        except BrokenPipeError:
            # Nothing more can be said there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)

    return run_quietly


class DatabaseCommand(PipedCommand):
    """What a command with checked settings, and mostly an open database, needs besides ScrapyCommand.

    It is no ScrapyCommand itself: Scrapy takes every such class of this package for a command and makes one of it.
    """

    settings: Settings | None

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """End the command with the sentence of a setting, a line or a database that cannot be used."""
        try:
            yield
        except SettingError as error:
            refuse(error)
        except LineError as error:
            refuse(error, EXIT_FAILED)
        except StorageError as error:  # one that is not there, too
            refuse(error, EXIT_FAILED)

    def load_config(self) -> Config:
        """Return the settings, checked, those of the environment too. Raises SettingError."""
        # Commands import in their functions: the list of commands and every help text load all of them.
        from pytomo_scrapy import config

        assert self.settings is not None
        # A misspelt name would leave its setting at the default, for months and without a word.
        config.check_names({*self.settings, *os.environ})
        return config.load(self.settings.get)

    @contextmanager
    def opened_database(self, after_migration: Callable[[Database], object] | None = None) -> Iterator[Database]:
        """Give the database of the settings, and close it however the command ends. Refuses as `refusals` does."""
        from pytomo_scrapy.storage.database import open_database

        with self.refusals():
            url = self.load_config().database_url
            with closing(open_database(url, after_migration=after_migration)) as database:
                yield database

    @contextmanager
    def existing_database(self) -> Iterator[Database]:
        """Give the database of the settings to change what is in it. Refuses as `refusals` does, where none is too."""
        from pytomo_scrapy.storage.reading import check_there

        with self.refusals():
            # Opening it would make an empty one of a name that is misspelt.
            check_there(self.load_config().database_url)
        with self.opened_database() as database:
            yield database

    @contextmanager
    def read_database(self) -> Iterator[Database]:
        """Give the database of the settings to read from. Refuses as `refusals` does; creates and writes nothing."""
        from pytomo_scrapy.storage.reading import open_for_reading

        with self.refusals(), closing(open_for_reading(self.load_config().database_url)) as database:
            yield database
