"""Answers rebuilt from the figures that users of open clients logged: each is read as its index says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat, SabrSource
from pytomo_scrapy.measure.sabr.sabr_errors import BodyCut, Gated, ReloadOrdered, ServiceError
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.sabr.sabr_session import SabrSession
from pytomo_scrapy.measure.sabr.ump import MediaPiece, UmpReader

FORMATS = (SabrFormat(397, "video", 1783624139708013), SabrFormat(140, "audio", 1783624139708013))
SOURCE = SabrSource("https://media.example/sabr", "media.example", 443, "AAAA", SabrClient(101, "1.02"), FORMATS)


class Bytes:
    """Keeps what a track receives."""

    def __init__(self) -> None:
        self.data = b""

    @property
    def received_bytes(self) -> int:
        return len(self.data)

    def receive(self, body: bytes) -> int | None:
        self.data += body
        return None

    may_be_counted = False

    def count(self, body_bytes: int, at_s: float | None = None) -> None:
        raise AssertionError("every byte is to be handed over")


class Session(SabrSession):
    """A session at second 0, whose formats are initialised as if it went on."""

    def __init__(self) -> None:
        self.bytes = {"video": Bytes(), "audio": Bytes()}
        super().__init__(SabrPlan(SOURCE, FORMATS), self.bytes, lambda: 0.0)
        self.request()


def bodies(shared: Path) -> tuple[Path, dict[str, Any]]:
    folder = shared / "sabr" / "rebuilt_ump"
    return folder, json.loads((folder / "index.json").read_text())


def test_every_body_has_the_parts_that_its_index_lists(shared: Path) -> None:
    folder, index = bodies(shared)
    assert {path.name for path in folder.glob("*.ump")} == set(index)
    for name, told in index.items():
        data = (folder / name).read_bytes()
        assert len(data) == told["bytes"], name
        if told["parts"] is None:
            continue
        reader = UmpReader(set(range(256)) - {21})
        found = [
            [21, len(one.body) + 1] if isinstance(one, MediaPiece) else [one.kind, len(one.body)]
            for one in reader.feed(data)
        ]
        reader.finish()
        assert found == told["parts"], name


def fed(shared: Path, *names: str) -> Session:
    folder, session = bodies(shared)[0], Session()
    for name in names:
        session.feed((folder / name).read_bytes())
        session.end_answer(first_s=0.0, last_s=0.0)
        session.request()
    return session


def test_cold_start_gives_both_tracks_from_their_first_byte(shared: Path) -> None:
    session = fed(shared, "cold_start.ump")
    assert len(session.bytes["video"].data) == 2088 + 60_000 + 50_000
    assert len(session.bytes["audio"].data) == 1400 + 24_000 + 24_000
    assert [track.end_s for track in session.tracks.values()] == [pytest.approx(10.64), pytest.approx(19.97, abs=0.01)]
    assert (session.demand.start_s, session.demand.resume_s) == (1.2, 6.0)
    assert session.demand.readahead_s == {"video": 15.0, "audio": 15.0}
    assert session.figures.protection_status == 2
    # 112 segments of video: the end of the last one is told.
    assert session.tracks["video"].current is not None and session.tracks["video"].current.last_segment == 112


def test_media_that_go_on_behind_another_track_are_put_together(shared: Path) -> None:
    session = Session()
    cold, mixed = (bodies(shared)[0] / name for name in ("cold_start.ump", "interleaved_tracks.ump"))
    session.feed(cold.read_bytes())
    # The file's third segments begin where others of the cold start ended in the true file.
    for track, next_byte in (("audio", 49_400), ("video", 142_088)):
        (intake,) = session.tracks[track].formats.values()
        intake.next_byte = next_byte
    before = {kind: len(kept.data) for kind, kept in session.bytes.items()}
    session.feed(mixed.read_bytes())
    session.end_answer(first_s=0.0, last_s=0.0)
    audio = session.bytes["audio"].data[before["audio"] :]
    assert audio == bytes(index & 255 for index in range(12_000))
    assert len(session.bytes["video"].data) - before["video"] == 9000


def test_body_cut_in_media_keeps_what_came_and_no_whole_segment(shared: Path) -> None:
    session = Session()
    folder = bodies(shared)[0]
    session.feed((folder / "cold_start.ump").read_bytes())
    (intake,) = session.tracks["video"].formats.values()
    intake.next_byte = 112_088
    before, whole = len(session.bytes["video"].data), len(session.tracks["video"].segments)
    body = (folder / "cut_in_media.ump").read_bytes()
    session.feed(body)
    with pytest.raises(BodyCut):
        session.end_answer(first_s=0.0, last_s=0.0)
    # 30 000 bytes in three parts, cut 9000 bytes before their end: 3 bytes of the segment's end and the rest of media.
    assert len(session.bytes["video"].data) - before == 30_000 - (9000 - 3)
    assert len(session.tracks["video"].segments) == whole
    assert intake.runs[-1].last == 2


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("sabr_error.ump", ServiceError, "sabr.malformed_config, code 3"),
        ("reload_player.ump", ReloadOrdered, "asked for anew"),
        ("attestation_required.ump", Gated, "status 3"),
        ("protection_raw_required.ump", Gated, "status 3"),
    ],
)
def test_refusal_ends_the_session_with_its_class(shared: Path, name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        fed(shared, name)


def test_pending_protection_without_media_gates_in_the_third_answer(shared: Path) -> None:
    fed(shared, *["policy_only_backoff.ump"] * 2)
    with pytest.raises(Gated, match="pending"):
        fed(shared, *["policy_only_backoff.ump"] * 3)


def test_redirect_names_where_to_ask(shared: Path) -> None:
    session = Session()
    session.feed((bodies(shared)[0] / "redirect.ump").read_bytes())
    assert (session.redirect_url or "").startswith("https://rr5---sn-example2.")
    session.end_answer(first_s=None, last_s=None)


def test_advertisement_is_waited_for_and_its_context_echoed(shared: Path) -> None:
    session = Session()
    session.feed((bodies(shared)[0] / "ad_context_and_backoff.ump").read_bytes())
    session.end_answer(first_s=0.0, last_s=0.0)
    assert session.demand.backoff_s == 11.98
    assert not session.demand.wants(11.9) and session.demand.wants(12.0)
    assert b"\x2a\x0a\x08\x05\x12\x06\x0a\x04ads1" in session.request()  # field 5: {1: 5, 2: the value as it came}


def test_small_bodies_are_taken_without_an_error(shared: Path) -> None:
    session = fed(shared, "unknown_part.ump", "start_policy_raw.ump")
    assert (session.figures.protection_status, session.demand.start_s) == (1, 1.2)


def test_logged_answer_follows_the_segments_before_it(shared: Path) -> None:
    session = Session()
    folder = bodies(shared)[0]
    session.feed((folder / "cold_start.ump").read_bytes())
    (intake,) = session.tracks["video"].formats.values()
    intake.next_byte = 2_143_515
    before = len(session.bytes["video"].data)
    session.feed((folder / "followup_one_segment.ump").read_bytes())
    assert len(session.bytes["video"].data) - before == 389_206
    last = session.tracks["video"].segments[-1]
    assert [last.start_s, last.duration_s] == pytest.approx([47.88, 6.44])
