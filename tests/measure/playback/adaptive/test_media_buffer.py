"""What a buffer holds after media were appended in any order."""

from pytomo_scrapy.measure.playback.adaptive.media_buffer import MediaBuffer, Piece


def filled(*pieces: tuple[float, float, int], shown_s: float | None = None) -> MediaBuffer:
    buffer = MediaBuffer()
    for piece in pieces:
        buffer.append(Piece(*piece), shown_s)
    return buffer


def test_media_reach_to_the_first_hole() -> None:
    buffer = filled((0, 5, 0), (5, 10, 0), (15, 20, 0))
    assert [buffer.end_from(media_s) for media_s in (0, 7, 12, 15)] == [10, 10, 12, 20]
    assert buffer.level_s(7) == 3


def test_a_later_piece_takes_the_place_of_an_earlier_one() -> None:
    buffer = filled((0, 5, 0), (5, 10, 0), (3, 8, 2))
    assert [(piece.start_s, piece.end_s, piece.rung) for piece in buffer.pieces] == [(0, 3, 0), (3, 8, 2), (8, 10, 0)]
    assert [buffer.rung_at(media_s) for media_s in (2.5, 3.5, 9, 11)] == [0, 2, 0, None]
    assert [buffer.change_after(media_s) for media_s in (1, 3, 9)] == [3, 8, 10]


def test_the_piece_on_the_screen_is_shown_to_its_end() -> None:
    buffer = filled((0, 5, 1), (5, 10, 1))
    buffer.append(Piece(0, 5, 4), 2.0)
    assert buffer.rung_at(2.0) == buffer.rung_at(4.9) == 1, "the new one is all past or under the playhead"
    buffer.append(Piece(5, 10, 4), 2.0)
    assert buffer.rung_at(5.0) == 4
