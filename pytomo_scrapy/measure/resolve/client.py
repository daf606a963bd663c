"""yt-dlp in process: silent, without disk, bounded in time, its messages kept for the classification."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import certifi
import yt_dlp
import yt_dlp.globals
from yt_dlp.extractor.youtube import YoutubeIE
from yt_dlp.networking.common import Request, Response
from yt_dlp.networking.exceptions import TransportError

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.failures.refusal_texts import Refusal, read_refusal
from pytomo_scrapy.measure.net.path import bind_address, ca_file, proxy_for
from pytomo_scrapy.measure.resolve.formats import only_fetchable
from pytomo_scrapy.measure.resolve.identity import Guest

# What a player needs to know to be simulated; the rest of a player's configuration is thousands of switches.
_DECLARED = {
    "exoPlayerConfig": (
        "minDurationForPlaybackStartMs",
        "minDurationForPlaybackRestartMs",
        "lowWatermarkMs",
        "highWatermarkMs",
        "numAudioSegmentsPerFetch",
        "numVideoSegmentsPerFetch",
        "maxVideoDurationPerFetchMs",
        "maxReadAheadMediaTimeMs",
    ),
    "hamplayerConfig": ("resyncPolicyConfig", "audioAbrConfig", "videoAbrConfig"),
    "mediaCommonConfig": (
        "serverPlaybackStartConfig",
        "dynamicReadaheadConfig",
        "predictedReadaheadConfig",
        "serverReadaheadConfig",
        "bandwidthEstimationConfig",
        "mediaFetchRetryConfig",
        "mediaFetchMaximumErrors",
        "mediaFetchMaximumNetworkErrors",
        "mediaFetchMaximumServerErrors",
        "sabrClientConfig",
        "useServerDrivenAbr",
    ),
    "networkProtocolConfig": ("useQuic",),
}


@dataclass(slots=True)
class Extraction:
    """What one try left behind: yt-dlp's answer or its error, and everything it said on the way."""

    info: dict[str, Any] | None = None
    error: BaseException | None = None
    messages: list[str] = field(default_factory=list)
    player_configs: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by client name
    refusals: list[Refusal | None] = field(default_factory=list)  # one a player answer, None where the video plays
    guest: Guest = field(default_factory=Guest)
    cookie_header: Callable[[str], str | None] = lambda url: None


def without_plugins() -> None:
    """Keep yt-dlp from running the code that it finds in the user's folders, which no row would tell of."""
    yt_dlp.globals.plugin_dirs.value = []


class _Transcript:
    """The logger that yt-dlp gets: it drops messages for the screen, and keeps warnings and errors."""

    def __init__(self, messages: list[str]) -> None:
        self.warning = self.error = messages.append

    def debug(self, message: str) -> None:
        """Drop progress lines."""

    info = debug


class QuietYoutubeDL(yt_dlp.YoutubeDL):  # type: ignore[misc]
    """YoutubeDL that keeps debug messages and the player's declared parameters, and stops at a deadline."""

    def __init__(self, options: dict[str, Any], extraction: Extraction, deadline_s: float) -> None:
        self._extraction = extraction
        self._deadline_s = deadline_s
        without_plugins()
        # Before the parent's initialiser, which may already ask for something.
        super().__init__({**options, "logger": _Transcript(extraction.messages)})

    def write_debug(self, message: str, only_once: bool = False) -> None:
        # Only here does yt-dlp report the formats that it skips for its default clients (PO token, SABR).
        self._extraction.messages.append(str(message))

    def urlopen(self, request: Any) -> Any:
        remaining_s = self._deadline_s - time.monotonic()
        if remaining_s <= 0:
            raise TransportError("the resolution took too long")
        response = super().urlopen(request)
        self._extraction.guest.answered(time.monotonic())
        url = request if isinstance(request, str) else getattr(request, "url", "")
        if not urlsplit(url).path.endswith("/youtubei/v1/player"):
            return response
        body = response.read()
        _keep_player_config(request, body, self._extraction.player_configs)
        self._extraction.guest.named(request, body)
        _keep_refusal(body, self._extraction.refusals)
        headers = {key: value for key, value in response.headers.items() if key.lower() != "content-encoding"}
        return Response(io.BytesIO(body), response.url, headers, response.status)


def _keep_player_config(request: Any, body: bytes, player_configs: dict[str, Mapping[str, Any]]) -> None:
    try:
        answer = json.loads(body)
        client = json.loads(request.data)["context"]["client"]["clientName"] if isinstance(request, Request) else ""
        declared = answer.get("playerConfig") or answer["playerResponse"]["playerConfig"]
        declared_values = {
            player: _numbers({name: declared[player][name] for name in names if name in declared[player]})
            for player, names in _DECLARED.items()
            if isinstance(declared.get(player), dict)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # yt-dlp itself reports what is wrong with the answer
    if any(declared_values.values()):
        player_configs[client] = declared_values


def _keep_refusal(body: bytes, refusals: list[Refusal | None]) -> None:
    """Keep why an answer refuses: of shapes that yt-dlp does not know it says nothing, or something else."""
    try:
        answer = json.loads(body)
        status = (answer.get("playerResponse") or answer)["playabilityStatus"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    refusals.append(read_refusal(status))


def _numbers(value: Any) -> Any:
    """Return the numbers and switches of a declared value. Its texts are left out: they may be signed, or a secret."""
    if isinstance(value, dict):
        return {name: _numbers(part) for name, part in value.items() if not _is_text(part)}
    if isinstance(value, list):
        return [_numbers(part) for part in value if not _is_text(part)]
    return value


def _is_text(value: Any) -> bool:
    # A whole number of 64 bits comes as text, of 20 digits at most.
    return isinstance(value, str) and not (value.isdecimal() and len(value) <= 20)


def is_youtube(url: str) -> bool:
    """Tell whether the lean extractor arguments mean anything for `url`."""
    return bool(YoutubeIE.suitable(url))


def parse_extractor_args(text: str) -> dict[str, list[str]]:
    """Read `key=value,value;key=value` as yt-dlp's command line does for one extractor."""
    pairs = (part.partition("=") for part in text.removeprefix("youtube:").split(";") if part.strip())
    return {key.strip().replace("-", "_"): [word.strip() for word in value.split(",")] for key, _, value in pairs}


def ydl_options(url: str, config: ResolveConfig, extractor_args: str) -> dict[str, Any]:
    """Return yt-dlp's options. Without a proxy setting yt-dlp itself reads the environment, per host like ours."""
    options: dict[str, Any] = {
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "skip_download": True,
        "noplaylist": True,
        "playlist_items": "1:2",  # two entries distinguish a list from a page that holds one video
        "cachedir": False,
        "ignore_no_formats_error": True,  # so that a refused video still has its title and live state
        "check_formats": False,
        "geo_bypass": False,  # else some sites would get an invented X-Forwarded-For: we measure from where we are
        "socket_timeout": config.timeout_s,
        # One try: a repetition is a decision of the crawl, and its time would be counted as resolution.
        "retries": 0,
        "extractor_retries": 0,
        # Else yt-dlp trusts certifi alone; now OpenSSL's own rules hold, SSL_CERT_FILE first.
        "compat_opts": {"no-certifi"} if _has_own_trust() else set(),
    }
    proxy = proxy_for(url, config.path)
    if proxy in {config.path.proxy, config.path.proxy_ipv6} - {None}:
        options["proxy"] = proxy
    if source := bind_address(config.path, proxy):
        options["source_address"] = source
    # A plugin of yt-dlp's could mint tokens of proof of origin: we are what we are, a guest (docs/privacy.md).
    options["extractor_args"] = {"youtube": {"fetch_pot": ["never"], **parse_extractor_args(extractor_args)}}
    return options


def _has_own_trust() -> bool:
    return ca_file() != certifi.where()


def extract(url: str, config: ResolveConfig, extractor_args: str, limit_s: float) -> Extraction:
    """Ask yt-dlp for `url`. Returns within `limit_s`: a try that takes longer is abandoned and sends nothing more."""
    extraction = Extraction()
    thread = threading.Thread(
        target=_extract_into,
        args=(extraction, url, config, extractor_args, time.monotonic() + limit_s),
        name="resolve",
        daemon=True,
    )
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        # A copy: the abandoned thread may still write into its own.
        return Extraction(error=TimeoutError(f"the resolution took too long: over {limit_s:.0f} s"))
    return extraction


def _extract_into(
    extraction: Extraction, url: str, config: ResolveConfig, extractor_args: str, deadline_s: float
) -> None:
    try:
        with QuietYoutubeDL(ydl_options(url, config, extractor_args), extraction, deadline_s) as ydl:
            ydl.format_selector = only_fetchable(ydl.build_format_selector(config.format_selector))
            try:
                info = ydl.extract_info(url, download=False)
            finally:
                extraction.guest.hide(*(cookie.value for cookie in ydl.cookiejar))
            extraction.cookie_header = ydl.cookiejar.get_cookie_header
            extraction.info = _single(info)
    except Exception as error:  # noqa: BLE001 - extractors raise anything; the caller classifies it
        extraction.error = error


def _single(info: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the one video of an answer. A page that embeds one video comes as a list of one."""
    if not info or info.get("_type", "video") == "video":
        return info
    entries = [entry for entry in info.get("entries") or () if entry]
    if len(entries) != 1:
        raise ValueError("unsupported URL: it is a list, not one video")
    return _single(entries[0])
