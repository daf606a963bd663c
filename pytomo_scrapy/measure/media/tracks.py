"""Chooses the streams of a media file that are played: no cover, no stills of chapters."""

from __future__ import annotations

from typing import Any

from av.stream import Disposition

_NOT_PLAYED = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
# A stream of such pictures beside another one is a cover or a preview, whatever the file says of it.
_STILL_CODECS = {"mjpeg", "png", "bmp", "gif", "webp", "tiff", "jpeg2000", "apng"}
# In these a picture is shown when it is decoded: nothing that follows comes before it.
_IN_ORDER_CODECS = {"vp8", "vp9", "av1", "theora", "flv1", "mjpeg", "h263", "wmv1", "wmv2", "msmpeg4", "msmpeg4v2"}


def wanted_streams(kind: str, media: Any) -> list[Any]:
    """Return the main video and the main audio stream, as far as `kind` asks for them; else what there is."""
    streams = {wanted: main_stream(wanted, media) for wanted in ("video", "audio")}
    found = [stream for wanted, stream in streams.items() if kind in (wanted, "muxed") and stream is not None]
    return found or [stream for stream in streams.values() if stream is not None][:1]


def main_stream(kind: str, media: Any) -> Any:
    """Return the stream of that kind which a player would play. None where there is none."""
    played = [stream for stream in media.streams if stream.type == kind and not stream.disposition & _NOT_PLAYED]
    moving = [stream for stream in played if _codec_name(stream) not in _STILL_CODECS]
    return next(iter(moving or played), None)


def may_reorder(stream: Any) -> bool:
    """Tell whether a packet may follow one that is shown after it."""
    return stream.type == "video" and _codec_name(stream) not in _IN_ORDER_CODECS


def _codec_name(stream: Any) -> str | None:
    context = stream.codec_context
    # The library calls a decoder as it likes (libdav1d): the codec's own name is what counts.
    return context.codec.canonical_name if context is not None and context.codec is not None else None
