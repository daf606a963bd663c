"""The video item, and one frozen result for each stage of its measurement: one module a stage.

Field names carry their unit: `_s` seconds, `_bytes`, `_bps` bits per second, `_at` aware UTC, `_ratio` 0 to 1.
None means not measured, 0 means measured zero. `t_s` counts from the item's own start on a monotonic clock, except
in an arrival trace, where it counts from `t0`, just before the first media connection starts.
"""

from __future__ import annotations

from pytomo_scrapy.items.autopsy import Autopsy as Autopsy
from pytomo_scrapy.items.autopsy import Cause as Cause
from pytomo_scrapy.items.autopsy import Symptom as Symptom
from pytomo_scrapy.items.dns_result import DnsLookup as DnsLookup
from pytomo_scrapy.items.dns_result import DnsResult as DnsResult
from pytomo_scrapy.items.dns_result import Network as Network
from pytomo_scrapy.items.ladder import Ladder as Ladder
from pytomo_scrapy.items.ladder import LadderResult as LadderResult
from pytomo_scrapy.items.ladder import MediaTrack as MediaTrack
from pytomo_scrapy.items.ladder import TrackSegment as TrackSegment
from pytomo_scrapy.items.name_pair import DifferentialTest as DifferentialTest
from pytomo_scrapy.items.name_pair import JudgedTest as JudgedTest
from pytomo_scrapy.items.name_pair import NamedWindow as NamedWindow
from pytomo_scrapy.items.page_result import PageResult as PageResult
from pytomo_scrapy.items.ping_result import Ping as Ping
from pytomo_scrapy.items.ping_result import PingResult as PingResult
from pytomo_scrapy.items.playback_result import Interval as Interval
from pytomo_scrapy.items.playback_result import MediaSegment as MediaSegment
from pytomo_scrapy.items.playback_result import MediaTimeline as MediaTimeline
from pytomo_scrapy.items.playback_result import PlaybackResult as PlaybackResult
from pytomo_scrapy.items.playback_result import headline_player as headline_player
from pytomo_scrapy.items.quality_spell import QualitySpell as QualitySpell
from pytomo_scrapy.items.resolve_result import MediaFormat as MediaFormat
from pytomo_scrapy.items.resolve_result import MediaPart as MediaPart
from pytomo_scrapy.items.resolve_result import ResolveResult as ResolveResult
from pytomo_scrapy.items.resolve_result import ServiceHints as ServiceHints
from pytomo_scrapy.items.study_mark import StudyMark as StudyMark
from pytomo_scrapy.items.timed_fetch import SAMPLE_S as SAMPLE_S
from pytomo_scrapy.items.timed_fetch import ControlWindow as ControlWindow
from pytomo_scrapy.items.timed_fetch import TimedFetch as TimedFetch
from pytomo_scrapy.items.video_item import VideoItem as VideoItem
from pytomo_scrapy.items.window_parts import HostSamples as HostSamples
from pytomo_scrapy.items.window_parts import HostState as HostState
from pytomo_scrapy.items.window_parts import LoadedRtt as LoadedRtt
from pytomo_scrapy.items.window_parts import SabrFigures as SabrFigures
from pytomo_scrapy.items.window_parts import Surroundings as Surroundings
from pytomo_scrapy.items.window_parts import TcpSummary as TcpSummary
from pytomo_scrapy.items.window_parts import Throughput as Throughput
from pytomo_scrapy.items.window_result import DownloadResult as DownloadResult
from pytomo_scrapy.items.window_result import HttpRequest as HttpRequest
from pytomo_scrapy.items.window_result import StreamDownload as StreamDownload
from pytomo_scrapy.items.window_result import StreamPart as StreamPart
from pytomo_scrapy.items.window_result import TcpConnection as TcpConnection
