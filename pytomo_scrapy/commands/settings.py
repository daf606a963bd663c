"""`scrapy settings`: every PYTOMO_* setting, its value in force and where it comes from; or one of Scrapy's own."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from scrapy.commands.settings import Command as ScrapySettings

from pytomo_scrapy.commands import DatabaseCommand, refuse

if TYPE_CHECKING:
    from pytomo_scrapy.config import Setting

# What Scrapy calls a place that settings come from, in a user's words.
_PLACES = {"cmdline": "command line", "project": "settings file", "command": "this command"}
# Other units only say what may be written.
_MEASURES = frozenset(("s", "bytes", "bit/s", "hops", "pauses", "probes", "probes/s", "videos", "windows"))


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """A setting as it is in force. `value` is without secrets."""

    name: str
    value: Any
    comes_from: str
    unit: str
    help: str


class Command(DatabaseCommand, ScrapySettings):
    """With --get and its like it is Scrapy's own command, which then knows the PYTOMO_* settings too."""

    def syntax(self) -> str:
        return "[--changed] [--json] [--get NAME]"

    def short_desc(self) -> str:
        return "Show every setting, its value and where it comes from"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--changed", action="store_true", help="only those that are not at their defaults")
        parser.add_argument("--json", action="store_true", help="print one JSON list, with the meanings")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy import config

        assert self.settings is not None
        if args:
            refuse(f"{args[0]!r} is not understood: `pytomo settings --get NAME` shows one setting.")
        # A setting that no crawl would take is refused here too: what is shown is what a crawl would run with.
        with self.refusals():
            self.load_config()
        # At the lowest priority, so that Scrapy's own options (--get) know the defaults of this table.
        for setting in config.SETTINGS:
            self.settings.set(setting.name, setting.default, "default")
        if name := opts.get or opts.getbool or opts.getint or opts.getfloat or opts.getlist:
            with self.refusals():
                config.check_names([name])
            try:
                super().run(args, opts)
            except ValueError as error:
                refuse(f"{name} cannot be read so: {error}.")
            return
        shown = [one for one in self._effective(config.SETTINGS) if not opts.changed or one.comes_from != "default"]
        if opts.json:
            print(json.dumps([asdict(one) for one in shown]))
            return
        width = max((len(one.name) for one in shown), default=0)
        for one in shown:
            unit = f" {one.unit}" if one.unit in _MEASURES and one.value is not None else ""
            print(f"{one.name:<{width}}  {_text(one.value)}{unit}  ({one.comes_from})")
        if not shown:
            print("Every setting is at its default.")

    def _effective(self, settings: tuple[Setting, ...]) -> Iterator[EffectiveSetting]:
        from pytomo_scrapy.storage.scrub import without_secrets

        assert self.settings is not None
        for setting in settings:
            place = _PLACES.get(self._place(setting.name), "default")
            # People paste this list into reports.
            value = without_secrets({setting.name: self.settings.get(setting.name)})[setting.name]
            # Scrapy keeps no place for the environment: the settings file reads it in.
            if place == "settings file" and os.environ.get(setting.name) == self.settings.get(setting.name):
                place = "environment"
            yield EffectiveSetting(setting.name, value, place, setting.unit, setting.help)

    def _place(self, name: str) -> str:
        from scrapy.settings import SETTINGS_PRIORITIES

        assert self.settings is not None
        priority = self.settings.getpriority(name)
        return next((place for place, number in SETTINGS_PRIORITIES.items() if number == priority), "default")


def _text(value: Any) -> str:
    return "-" if value in (None, "") else str(value)
