"""How a SABR session ends before its time: an error for each way, with its class of the vocabulary of failures."""

from __future__ import annotations

from typing import ClassVar


class SabrFailure(Exception):
    """Raised where a session cannot go on; its text is the detail of the row."""

    failure: ClassVar[str]


class BrokenBody(SabrFailure):
    """Raised if an answer is no UMP, or its parts contradict each other."""

    failure = "bad_response"


class BodyCut(SabrFailure):
    """Raised if an answer ends inside a part."""

    failure = "truncated"


class Gated(SabrFailure):
    """Raised if the service withholds media until the guest proves its origin (status 3, or 2 for too long)."""

    failure = "media_gated"


class MediaWithheld(SabrFailure):
    """Raised if answer after answer holds no media, though they are due and no wait was ordered."""

    failure = "media_withheld"


class ServiceError(SabrFailure):
    """Raised if the service reports an error of its own, which is fatal for a session."""

    failure = "sabr_error"


class ReloadOrdered(SabrFailure):
    """Raised if the service wants the player's answer to be asked for anew."""

    failure = "player_reload"
