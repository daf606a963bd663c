"""`pytomo lab`: what runs in the lab is a command of `pytomo` again."""

from __future__ import annotations

import sys

from pytomo_scrapy.commands.lab import Command as LabCommand


class Command(LabCommand):
    """The Scrapy command `lab`; its exit codes too."""

    # A frozen executable has no interpreter beside it: it is the command itself.
    entry = (sys.executable,) if getattr(sys, "frozen", False) else (sys.executable, "-m", "pytomo_scrapy")
