"""The cache of the lab's clips: a missing clip is encoded once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytomo_scrapy.lab.clips.clip import CLIPS, Clip, ClipSpec, ClipStream

# Part of every cache key: raise it when the encoding changes, so that old files are never mistaken for new ones.
GENERATION = 1


def cache_directory() -> Path:
    """Return the user's folder of encoded clips; one in the system's temporary folder where home is read-only."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        wanted = Path(base).expanduser() / "pytomo_scrapy" / "lab"
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except (OSError, RuntimeError):  # RuntimeError: no home folder is known
        fallback = Path(tempfile.gettempdir()) / f"pytomo_scrapy-lab-{os.getuid()}"
        fallback.mkdir(mode=0o700, exist_ok=True)
        if fallback.stat().st_uid != os.getuid():
            raise PermissionError(f"{fallback} belongs to another user") from None
        return fallback


def prepare_clips(names: Iterable[str] = tuple(CLIPS)) -> dict[str, Clip]:
    """Return the named clips, encoding those which the cache lacks (all of them: some 15 s on two cores).

    Safe when several processes do it at once: each writes a folder of its own and renames it, the first one wins.
    Raises KeyError for an unknown name.
    """
    specs = {name: CLIPS[name] for name in dict.fromkeys(names)}
    cache = cache_directory()
    ready = {name: _read_clip(_clip_directory(cache, spec)) for name, spec in specs.items()}
    missing = [specs[name] for name, clip in ready.items() if clip is None]
    if missing:
        _generate(missing, cache)
    return {name: ready[name] or _require_clip(_clip_directory(cache, spec)) for name, spec in specs.items()}


def load_clip(name: str) -> Clip:
    """Return one clip, encoded now if need be."""
    return prepare_clips([name])[name]


def _clip_directory(cache: Path, spec: ClipSpec) -> Path:
    key = hashlib.sha256(json.dumps([GENERATION, asdict(spec)]).encode()).hexdigest()[:12]
    return cache / f"{spec.name}-{key}"


def _read_clip(directory: Path) -> Clip | None:
    try:
        fields = json.loads((directory / "clip.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    streams = tuple(_stream_from_json(directory, stream) for stream in fields.pop("streams"))
    whole = all(stream.path.is_file() and stream.path.stat().st_size == stream.size_bytes for stream in streams)
    return Clip(**fields, streams=streams) if whole else None


def _require_clip(directory: Path) -> Clip:
    clip = _read_clip(directory)
    if clip is None:
        raise FileNotFoundError(f"the clip in {directory} vanished while it was made")
    return clip


def _stream_from_json(directory: Path, fields: dict[str, Any]) -> ClipStream:
    ranges = {name: tuple(fields[name]) if fields[name] else None for name in ("init_range", "index_range")}
    cuts = tuple((start, end, duration_s) for start, end, duration_s in fields.get("cuts", ()))
    return ClipStream(**{**fields, **ranges, "cuts": cuts, "path": directory / fields["path"]})


def _generate(specs: list[ClipSpec], cache: Path) -> None:
    # Imported here: a lab whose clips are cached needs no encoder and starts faster.
    from pytomo_scrapy.lab.clips.encode import encode_sources
    from pytomo_scrapy.lab.clips.mux import write_clip

    with tempfile.TemporaryDirectory(prefix=".making-", dir=cache) as work:
        sources = encode_sources(specs, Path(work))
        for spec in specs:
            folder = Path(work) / spec.name
            folder.mkdir()
            clip = write_clip(spec, sources, folder)
            fields = asdict(clip)
            for stream in fields["streams"]:
                stream["path"] = stream["path"].name
            (folder / "clip.json").write_text(json.dumps(fields, indent=1), encoding="utf-8")
            _publish(folder, _clip_directory(cache, spec))


def _publish(folder: Path, target: Path) -> None:
    """Move `folder` to `target` in one step. A whole clip that is already there stays; a damaged one is replaced."""
    if target.exists() and _read_clip(target) is None:
        shutil.rmtree(target, ignore_errors=True)
    try:
        folder.rename(target)
    except OSError:
        if _read_clip(target) is None:
            raise
