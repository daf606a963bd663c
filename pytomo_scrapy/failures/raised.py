"""The errors that this project raises on purpose; each message is one sentence for the user."""

from __future__ import annotations

from pytomo_scrapy.failures.classes import FAILURES


class PytomoError(Exception):
    """Base class of every error that this project raises on purpose."""


class MeasurementError(PytomoError):
    """Raised inside a stage to end it with a class of the vocabulary; the stage turns it into data."""

    def __init__(self, failure: str, detail: str = "") -> None:
        if failure not in FAILURES:
            raise KeyError(f"{failure!r} is not in the failure vocabulary")
        super().__init__(f"{failure}: {detail}" if detail else failure)
        self.failure = failure
        self.detail = detail


class SettingError(PytomoError):
    """Raised if a setting or argument has an unusable value; the message names it and says what would be right."""


class LineError(PytomoError):
    """Raised if another crawler measures over the same line; the message is one sentence for the user."""


class StorageError(PytomoError):
    """Raised if the database cannot be opened, migrated or written; the message is one sentence for the user."""


class AwayError(StorageError):
    """Raised if a database cannot be opened for now: locked, or its server is not there, and may be so in a minute."""


class RefusedError(StorageError):
    """Raised if the database is there but does not take what it is given: to ask again is of no use."""


class TooSlowError(StorageError):
    """Raised if a question of the web page took longer than it may and was ended."""


class NotReadyError(StorageError):
    """Raised if there is no database yet, or it has not the schema of this version; the message says what to run."""


class OtherSchemaError(NotReadyError):
    """Raised if a database was written by another version, older or newer; the message says what to run."""


class AbsentError(StorageError):
    """Raised if a database that is only to be read is not there."""
