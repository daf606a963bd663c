"""What a media element holds of one kind: pieces of media time, each of the rung that was appended last."""

from __future__ import annotations

from dataclasses import dataclass, field

GAP_S = 0.1  # a smaller hole between two pieces is played over


@dataclass(frozen=True, slots=True)
class Piece:
    """Media from `start_s` to `end_s` of one rung."""

    start_s: float
    end_s: float
    rung: int


@dataclass(slots=True)
class MediaBuffer:
    """Pieces in order of media time, without overlap."""

    pieces: list[Piece] = field(default_factory=list)

    def append(self, added: Piece, shown_s: float | None = None) -> None:
        """Add a piece; it takes the place of what is there at its time.

        Not of the piece that is on the screen at `shown_s`: a decoder that has begun with its first picture needs all
        of them, and shows it to its end (Chromium `SourceBufferStream`, track buffer).
        """
        if shown_s is not None:
            shown = next((piece for piece in self.pieces if piece.start_s <= shown_s < piece.end_s), None)
            if shown is not None and added.start_s < shown.end_s:
                added = Piece(min(shown.end_s, added.end_s), added.end_s, added.rung)
        kept: list[Piece] = []
        for piece in self.pieces:
            if piece.start_s < added.start_s:
                kept.append(Piece(piece.start_s, min(piece.end_s, added.start_s), piece.rung))
            if piece.end_s > added.end_s:
                kept.append(Piece(max(piece.start_s, added.end_s), piece.end_s, piece.rung))
        kept.append(added)
        self.pieces = sorted((piece for piece in kept if piece.end_s > piece.start_s), key=lambda piece: piece.start_s)

    def end_from(self, media_s: float) -> float:
        """Return up to where it can be played from `media_s` on; that time itself where nothing is there."""
        end_s = media_s
        for piece in self.pieces:
            if piece.start_s > end_s + GAP_S:
                break
            end_s = max(end_s, piece.end_s)
        return end_s

    def level_s(self, media_s: float) -> float:
        """Return the media seconds ahead of `media_s`."""
        return self.end_from(media_s) - media_s

    def rung_at(self, media_s: float) -> int | None:
        """Return the rung that is shown at `media_s`. None where nothing is there."""
        return next((piece.rung for piece in self.pieces if piece.start_s - GAP_S <= media_s < piece.end_s), None)

    def change_after(self, media_s: float) -> float:
        """Return the next media time at which the rung may change; infinite behind the last piece."""
        return next((piece.end_s for piece in self.pieces if piece.end_s > media_s), float("inf"))
