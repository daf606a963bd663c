"""What an answer says of SABR: where to ask, and which formats it may ask for. Signed: never stored or logged."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SabrFormat:
    """A format that may be asked for."""

    itag: int
    kind: str  # video or audio
    last_modified: int = 0
    xtags: str | None = None
    height_px: int | None = None
    bitrate_bps: float | None = None
    size_bytes: int | None = None
    mime_type: str = ""
    is_drc: bool = False  # with compressed loudness


@dataclass(frozen=True, slots=True)
class SabrClient:
    """The client that asked for the answer, as it named itself: SABR requests name the same."""

    number: int
    version: str
    device_make: str | None = None
    device_model: str | None = None
    os_name: str | None = None
    os_version: str | None = None
    android_sdk: int | None = None


@dataclass(frozen=True, slots=True)
class SabrSource:
    """The address, the configuration that goes back as it came, and the ladder of formats."""

    url: str = field(repr=False)
    host: str
    port: int
    ustreamer_config: str = field(repr=False)  # base64url
    client: SabrClient
    formats: tuple[SabrFormat, ...] = ()
