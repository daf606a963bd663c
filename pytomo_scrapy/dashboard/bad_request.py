"""The error for a request that cannot be answered."""

from __future__ import annotations


class BadRequestError(Exception):
    """Raised if a request cannot be answered; the message is a sentence for the visitor."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
