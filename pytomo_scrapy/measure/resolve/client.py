"""yt-dlp: silent, without disk, bounded in time and in what it reads, its messages kept for the classification."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import certifi
import yt_dlp
import yt_dlp.globals
from yt_dlp.extractor.youtube import YoutubeIE
from yt_dlp.networking.common import Request, Response
from yt_dlp.networking.exceptions import HTTPError, TransportError

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.failures.refusal_texts import Refusal, read_refusal
from pytomo_scrapy.items.sabr_source import SabrSource
from pytomo_scrapy.measure.net.path import bind_address, ca_file, proxy_for
from pytomo_scrapy.measure.resolve.formats import only_fetchable
from pytomo_scrapy.measure.resolve.identity import Guest
from pytomo_scrapy.measure.resolve.sabr_fields import add_sabr_addresses, read_sabr_source
from pytomo_scrapy.measure.resolve.shared_trust import use_shared_contexts

# The largest that the service sends, the player's script, has 3 MB.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_PIECE_BYTES = 256 * 1024

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


_DECLARED_LEVELS = 20  # three times as many as any has


@dataclass(slots=True)
class Extraction:
    """What one try left behind: yt-dlp's answer or its error, and everything it said on the way."""

    info: dict[str, Any] | None = None
    error: BaseException | None = None
    messages: list[str] = field(default_factory=list)
    player_configs: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by client name
    sabr_sources: dict[str, SabrSource] = field(default_factory=dict)  # by client name
    refusals: list[Refusal | None] = field(default_factory=list)  # one a player answer, None where the video plays
    guest: Guest = field(default_factory=Guest)
    cookie_header: Callable[[str], str | None] = lambda url: None
    is_asking: bool = False  # the service, just now

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Note that the service is waited for while the block lasts."""
        self.is_asking = True
        try:
            yield
        finally:
            self.is_asking = False


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
    """YoutubeDL that keeps debug messages and the player's declared parameters, and stops at a deadline.

    `extractor` is the only one that may be asked for the URL: setting up all would take several times as long as a
    resolution. None for all.
    """

    def __init__(
        self, options: dict[str, Any], extraction: Extraction, deadline_s: float, extractor: YoutubeIE | None = None
    ) -> None:
        self._extraction = extraction
        self._deadline_s = deadline_s
        without_plugins()
        use_shared_contexts()
        # Before the parent's initialiser, which may already ask for something.
        super().__init__({**options, "logger": _Transcript(extraction.messages)}, auto_init=extractor is None)
        if extractor is not None:
            self.add_info_extractor(extractor)

    def write_debug(self, message: str, only_once: bool = False) -> None:
        # Only here does yt-dlp report the formats that it skips for its default clients (PO token, SABR).
        self._extraction.messages.append(str(message))

    def _forceprint(self, key: str, info_dict: Any) -> Any:
        # yt-dlp draws tables of all formats for prints that nobody asked for: a seventh of a resolution.
        return info_dict

    def urlopen(self, request: Any) -> Any:
        remaining_s = self._deadline_s - time.monotonic()
        if remaining_s <= 0:
            raise TransportError("the resolution took too long")
        with self._extraction.asking():
            response = self._answer(request)
        self._extraction.guest.answered(time.monotonic())
        url = request if isinstance(request, str) else getattr(request, "url", "")
        if not urlsplit(url).path.endswith("/youtubei/v1/player"):
            return response
        body = response.read()
        answer, question = _read_json(body), _read_json(getattr(request, "data", None))
        if question is not None or not isinstance(request, Request):
            _keep_player_config(question, answer, self._extraction.player_configs)
        source = _keep_sabr(request, question, answer, self._extraction.sabr_sources)
        if source is not None and add_sabr_addresses(answer, source):
            body = json.dumps(answer).encode()
        self._extraction.guest.named(request, question, answer)
        _keep_refusal(answer, self._extraction.refusals)
        headers = {key: value for key, value in response.headers.items() if key.lower() != "content-encoding"}
        return Response(io.BytesIO(body), response.url, headers, response.status)

    def _answer(self, request: Any) -> _BoundedResponse:
        try:
            return _BoundedResponse(super().urlopen(request), self._extraction)
        except HTTPError as error:
            error.response = _BoundedResponse(error.response, self._extraction)
            raise


class _BoundedResponse(Response):  # type: ignore[misc]
    """A response that is read up to MAX_ANSWER_BYTES, unpacked. Raises TransportError beyond."""

    def __init__(self, response: Any, extraction: Extraction) -> None:
        super().__init__(
            response, response.url, response.headers, response.status, response.reason, response.extensions
        )
        self._extraction = extraction
        self._read_bytes = 0

    def read(self, amt: int | None = None) -> bytes:
        with self._extraction.asking():
            return self._bounded(amt)

    def _bounded(self, amt: int | None) -> bytes:
        if amt is not None:
            return self._counted(self.fp.read(amt))
        declared = str(self.headers.get("Content-Length") or "")
        if not self.headers.get("Content-Encoding") and declared.isdecimal() and len(declared) < 20:
            self._check(int(declared))
            # In one piece: only so does every way to read notice that the end is missing.
            return self._counted(self.fp.read())
        return b"".join(iter(lambda: self._counted(self.fp.read(_PIECE_BYTES)), b""))

    def _counted(self, piece: bytes) -> bytes:
        self._check(self._read_bytes + len(piece))
        self._read_bytes += len(piece)
        return piece

    def _check(self, total_bytes: int) -> None:
        if total_bytes > MAX_ANSWER_BYTES:
            self.close()
            raise TransportError(f"an answer is larger than {MAX_ANSWER_BYTES} bytes")


def _read_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None


def _keep_player_config(question: Any, answer: Any, player_configs: dict[str, Mapping[str, Any]]) -> None:
    try:
        client = question["context"]["client"]["clientName"] if question is not None else ""
        declared = answer.get("playerConfig") or answer["playerResponse"]["playerConfig"]
        declared_values = {
            player: _numbers({name: declared[player][name] for name in names if name in declared[player]})
            for player, names in _DECLARED.items()
            if isinstance(declared.get(player), dict)
        }
    except (KeyError, TypeError, AttributeError):
        return  # yt-dlp itself reports what is wrong with the answer
    if any(declared_values.values()):
        player_configs[client] = declared_values


def _keep_sabr(request: Any, question: Any, answer: Any, sabr_sources: dict[str, SabrSource]) -> SabrSource | None:
    """Keep where the media could be asked for over SABR, which yt-dlp does not pass on."""
    source = read_sabr_source(getattr(request, "headers", {}), question, answer)
    if source is not None:
        # An answer was asked for by a client with a name, else there is no source.
        sabr_sources[question["context"]["client"].get("clientName", "")] = source
    return source


def _keep_refusal(answer: Any, refusals: list[Refusal | None]) -> None:
    """Keep why an answer refuses: of shapes that yt-dlp does not know it says nothing, or something else."""
    try:
        status = (answer.get("playerResponse") or answer)["playabilityStatus"]
    except (KeyError, TypeError, AttributeError):
        return
    refusals.append(read_refusal(status))


def _numbers(value: Any, levels: int = _DECLARED_LEVELS) -> Any:
    """Return the numbers and switches of a declared value. Its texts are left out: they may be signed, or a secret.

    What lies deeper than `levels` is none of a player's, and left out too.
    """
    if isinstance(value, (dict, list)) and levels == 0:
        return None
    if isinstance(value, dict):
        return {name: _numbers(part, levels - 1) for name, part in value.items() if not _is_text(part)}
    if isinstance(value, list):
        return [_numbers(part, levels - 1) for part in value if not _is_text(part)]
    return value


def _is_text(value: Any) -> bool:
    # A whole number of 64 bits comes as text, of 20 digits at most.
    return isinstance(value, str) and not (value.isdecimal() and len(value) <= 20)


def is_youtube(url: str) -> bool:
    """Tell whether the lean extractor arguments mean anything for `url`."""
    return bool(YoutubeIE.suitable(url))


# Compiles its expression, which takes as long as two resolutions: when a process starts, not in its first one.
is_youtube("")


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


def extract(
    url: str, config: ResolveConfig, extractor_args: str, limit_s: float, guest_salt: bytes | None = None
) -> Extraction:
    """Ask yt-dlp for `url`. Returns within `limit_s`: a try that takes longer is abandoned and sends nothing more.

    Unless it holds Python's lock for longer, as a regular expression does: only the end of the process ends that.
    """
    extraction = Extraction(guest=Guest(guest_salt))
    thread = threading.Thread(
        target=_extract_into,
        args=(extraction, url, config, extractor_args, time.monotonic() + limit_s),
        name="resolve",
        daemon=True,
    )
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        did = "took too long" if extraction.is_asking else "computed too long"
        # A copy: the abandoned thread may still write into its own.
        return Extraction(error=TimeoutError(f"the resolution {did}: over {limit_s:.0f} s"))
    return extraction


def _extract_into(
    extraction: Extraction, url: str, config: ResolveConfig, extractor_args: str, deadline_s: float
) -> None:
    try:
        options, extractor = ydl_options(url, config, extractor_args), _youtube() if is_youtube(url) else None
        with QuietYoutubeDL(options, extraction, deadline_s, extractor) as ydl:
            ydl.format_selector = only_fetchable(ydl.build_format_selector(config.format_selector))
            try:
                info = ydl.extract_info(url, download=False)
            finally:
                extraction.guest.hide(*(cookie.value for cookie in ydl.cookiejar))
            extraction.cookie_header = ydl.cookiejar.get_cookie_header
            extraction.info = _single(info)
    except Exception as error:  # noqa: BLE001 - extractors raise anything; the caller classifies it
        extraction.error = error


def _youtube() -> YoutubeIE:
    """Return yt-dlp's extractor for the service, for which subtitles have no formats.

    Else it writes a URL for each of seven formats of each of 157 languages: two thirds of a resolution's time.
    """
    extractor = YoutubeIE()
    extractor._SUBTITLE_FORMATS = ()
    return extractor


def _single(info: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the one video of an answer. A page that embeds one video comes as a list of one."""
    if not info or info.get("_type", "video") == "video":
        return info
    entries = [entry for entry in info.get("entries") or () if entry]
    if len(entries) != 1:
        raise ValueError("unsupported URL: it is a list, not one video")
    return _single(entries[0])
