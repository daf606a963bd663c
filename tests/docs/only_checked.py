"""Stands for `pytomo` or `scrapy` where a crawl is to be checked and not to begin: `only_checked ENTRY WORD ...`."""

from __future__ import annotations

import runpy
import sys

from pytomo_scrapy.commands import crawl, measure

if __name__ == "__main__":
    for kind in (crawl.Command, measure.Command):
        kind.run = lambda *_: None
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
