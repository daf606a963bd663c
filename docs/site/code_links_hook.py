"""Leaves out the links to the code: the site holds the documents alone, and reads without what they point to."""

from __future__ import annotations

import re
from typing import Any

_CODE_LINK = re.compile(r"\[(`[^`\]]+`)\]\((?:\.\./|generators/)[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page with the name of a file where a link to it was."""
    return _CODE_LINK.sub(r"\1", markdown)
