"""What a report or a sheet says, read from the PDF itself."""

from __future__ import annotations

import re
import zlib


def pdf_text(body: bytes) -> str:
    """Return the text of a report: its fonts are those of every PDF reader, so that it is written as it is."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", body, re.DOTALL)
    pages = [zlib.decompressobj().decompress(part) for part in streams if part[:1] == b"\x78"]
    words = [word for page in pages for word in re.findall(rb"\(((?:[^()\\]|\\.)*)\) ?Tj", page)]
    text = " ".join(re.sub(rb"\\([()\\])", rb"\1", word).decode("latin-1") for word in words)
    return re.sub(r"\s+", " ", text)
