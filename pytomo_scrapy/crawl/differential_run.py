"""A differential test from its start to its row: media, pairs of windows, verdict, storage. Blocking; no crawl."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis.differentiation.differential_verdict import judge_windows, needed_pairs
from pytomo_scrapy.analysis.differentiation.paired import LEAST_PAIRS
from pytomo_scrapy.config import Config, DifferentialConfig
from pytomo_scrapy.crawl.line_lock import LineHold, lock_of
from pytomo_scrapy.crawl.retrying import FIRST_WAIT_S, LONGEST_WAIT_S
from pytomo_scrapy.failures import RefusedError, SettingError, StorageError
from pytomo_scrapy.items import DifferentialTest, NamedWindow
from pytomo_scrapy.measure.comparing.name_pairs import PairsPlan, measure_pairs
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan
from pytomo_scrapy.measure.comparing.pair_media import find_media
from pytomo_scrapy.measure.net.clock import utc_now
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.pages.urls import VideoRef
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.differential_store import StoredTest, note_judgement, read_test, save_test
from pytomo_scrapy.storage.measurements.repository import Repository, VantageFacts

CONSENT = (
    "A differential test opens TLS connections to the service's media hosts under a name that is not theirs "
    "({neutral}), which the service, its terms or a law may object to, and fetches up to {megabytes:.0f} MB of the "
    "same media again and again. Read docs/differential.md; then say so with --consent, or by "
    "PYTOMO_DIFFERENTIAL_CONSENT=1."
)


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who is told how a test goes on."""

    begins: Callable[[FetchPlan], None] = lambda _: None
    measured: Callable[[NamedWindow], None] = lambda _: None
    needs: Callable[[int, int], None] = lambda _needed, _most: None
    waits: Callable[[str], None] = lambda _: None


def demand_consent(config: Config) -> None:
    """Raises SettingError, with what a test sends, for a user who has not agreed to it."""
    settings = config.differential
    if not settings.has_consent:
        megabytes = 2 * settings.most_pairs * settings.max_bytes / 1e6
        raise SettingError(CONSENT.format(neutral=settings.neutral_name, megabytes=megabytes))


def run_test(video: VideoRef, config: Config, database: Database, onlooker: Onlooker) -> StoredTest:
    """Test whether the line treats a video's service by its name, and store the test.

    A database that goes away meanwhile is waited for as long as a crawl would. Raises SettingError without consent or
    room below the day's cap, LineError where a crawler measures over the line, MeasurementError where the video's media
    cannot be tested, StorageError.
    """
    demand_consent(config)
    point = VantageFacts(config.vantage or platform.node(), config.provider)
    room_bytes = _room_bytes(config, Repository(database), point.name)
    line = LineHold(lock_of(config))
    line.take()
    try:
        media = find_media(resolve_video(video.url, config.resolve), config)
        onlooker.begins(media)
        settings = config.differential
        test = _begun(video, media, settings)

        def needed(windows: Sequence[NamedWindow]) -> int:
            count = needed_pairs(windows, settings.effect_ratio)
            onlooker.needs(count, settings.most_pairs)
            return count

        plan = PairsPlan(media, settings.neutral_name, LEAST_PAIRS, settings.most_pairs, test.uuid, room_bytes)
        windows = measure_pairs(plan, needed, onlooker.measured)
    finally:
        line.free()
    whole = _judged(test, windows)

    def save() -> int:
        return save_test(database, whole, windows, point)

    return StoredTest(_saved(save, config.endurance.database_patience_s, onlooker.waits), whole, windows)


def _saved(save: Callable[[], int], patience_s: float, say: Callable[[str], None]) -> int:
    """Save what took minutes to measure, again while the database is away, for `patience_s` from the first failure."""
    until_s, wait_s = None, FIRST_WAIT_S
    while True:
        try:
            return save()
        except RefusedError:
            raise
        except StorageError as error:
            if until_s is None:
                until_s = time.monotonic() + patience_s
                say(f"{error} The test waits up to {patience_s:.0f} s for it to be stored.")
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise
        time.sleep(min(wait_s, left_s))
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def judge_again(database: Database, number: int) -> StoredTest | None:
    """Judge a stored test by this version's method, and store what it says. None where there is no such test."""
    with database.read() as connection:
        stored = read_test(connection, number)
    if stored is None:
        return None
    whole = _judged(stored.test, stored.windows)
    note_judgement(database, number, whole.judged)
    return replace(stored, test=whole)


def _begun(video: VideoRef, media: FetchPlan, settings: DifferentialConfig) -> DifferentialTest:
    return DifferentialTest(
        uuid=str(uuid4()),
        started_at=utc_now(),
        software_version=__version__,
        service=video.service,
        video_id=video.video_id,
        host=media.target.host,
        address=media.address,
        neutral_name=settings.neutral_name,
        window_s=settings.window_s,
        max_bytes=settings.max_bytes,
        effect_ratio=settings.effect_ratio,
    )


def _judged(test: DifferentialTest, windows: Sequence[NamedWindow]) -> DifferentialTest:
    judged = judge_windows(windows, test.effect_ratio)
    # By the first pairs, as it was asked while the test ran: it is what the test was planned by.
    first = [window for window in windows if window.pair_number < LEAST_PAIRS]
    needed = needed_pairs(first, test.effect_ratio) if judged.pair_count >= LEAST_PAIRS else None
    return replace(test, judged=judged, needed_pair_count=needed)


def _room_bytes(config: Config, repository: Repository, point: str) -> int:
    """Return what the day's cap leaves. Raises SettingError where that is less than the first pairs may take."""
    cap_bytes, settings = config.download.data_cap_bytes_per_day, config.differential
    least_bytes = 2 * LEAST_PAIRS * settings.max_bytes
    if not cap_bytes:
        return 2 * settings.most_pairs * settings.max_bytes
    # A test may end itself early, but not below the pairs that a verdict needs: refused before anything is fetched.
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    room_bytes = cap_bytes - repository.received_bytes_since(point, midnight)
    if room_bytes < least_bytes:
        raise SettingError(
            f"PYTOMO_DATA_CAP_BYTES_PER_DAY={cap_bytes} leaves {max(0, room_bytes)} bytes for today; {LEAST_PAIRS} "
            f"pairs of PYTOMO_DIFFERENTIAL_MAX_BYTES={settings.max_bytes} may take {least_bytes}."
        )
    return room_bytes
