"""What the web page answers, for same_outputs.py: pages, styles, scripts, and the JSON that programs ask for."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise, product

Ask = Callable[[str], tuple[str, str]]  # a path to the status with the type, and the body


def answers_of(address: str, measurement_ids: Sequence[int]) -> dict[str, str]:
    """Return what the page at HOST:PORT answers, by the output's name."""
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        return _answers(connection, address, measurement_ids)


def _answers(connection: http.client.HTTPConnection, address: str, measurement_ids: Sequence[int]) -> dict[str, str]:
    def ask(path: str) -> tuple[str, str]:
        connection.request("GET", path)
        answer = connection.getresponse()
        return f"{answer.status} {answer.headers.get('Content-Type')}", answer.read().decode("utf-8")

    databases = json.loads(ask("/api/databases")[1])["databases"]
    texts: dict[str, list[str]] = {}
    for name, path in _requests(ask, measurement_ids):
        head, body = ask(path)
        if "json" in head:
            # A value a line; the order of names stays, as a reader sees it.
            body = json.dumps(json.loads(body), indent=1, ensure_ascii=False)
        texts.setdefault(name, []).append(f"GET {path}\n{head}\n{body}\n")
    for name in sorted(set(re.findall(r"/static/([\w.]+)\?", texts["page-overview"][0]))):
        texts[f"static-{name}"] = ["\n".join(ask(f"/static/{name}"))]
    found = {}
    for name, answers in texts.items():
        text = "\n".join(answers).replace(address, "ADDRESS")
        # A database's id is the hash of its place, which is another one for each recording.
        for number, database in enumerate(databases):
            text = text.replace(database["id"], f"DATABASE-{number}")
        found[name] = text
    return found


def _requests(ask: Ask, measurement_ids: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Give the output and the path of each request. The documents under /docs are left out: they are what changes."""
    described = json.loads(ask("/api")[1])
    dimensions = sorted(set(described["common"]) - {"db", "period", "from", "to", "rows", "eras"})
    figures = described["figures"]
    for path in ("/api", "/api/parameters", "/healthz", "/runs", "/databases", "/api/databases", "/metrics", "/token"):
        yield path.rpartition("/")[2], path
    yield "live", "/api/live"
    pages = ("", "videos", "failures", "distributions", "series", "fragment/overview", "fragment/averages")
    answers = ("overview", "failures", "videos", "videos.csv")
    for query in ("", "?period=all", "?period=all&rows=all&eras=all", "?period=1d&family=6"):
        yield from ((f"page-{page.replace('/', '-') or 'overview'}", f"/{page}{query}") for page in pages)
        yield from ((answer, f"/api/{answer}{query}") for answer in answers)
    every = "period=all&rows=all&eras=all"
    for figure in figures:
        asked = f"?parameter={figure}&{every}"
        yield from ((one, f"/api/{one}{asked}") for one in ("series", "series.csv", "distribution", "distribution.csv"))
        yield "heatmap", f"/api/heatmap{asked}"
        yield from (
            (f"page-{one.replace('/', '-')}", f"/{one}/{figure}?{every}") for one in ("series", "fragment/series")
        )
    yield from (("scatter", f"/api/scatter?x={x}&y={y}&{every}") for x, y in pairwise(figures))
    for dimension, figure in product(dimensions, ("startup_delay_s", "dns_elapsed_s", "delivery_bps")):
        yield "compared", f"/api/series?parameter={figure}&compare={dimension}&{every}&buckets=6"
        yield "compared", f"/api/distribution?parameter={figure}&compare={dimension}&{every}"
    for order, failure in product(("up", "down"), ("any", "none", "http_404")):
        yield "videos-sorted", f"/api/videos?{every}&sort=startup_delay_s&order={order}&failure={failure}"
    for key in measurement_ids:
        yield "measurement", f"/api/measurement/{key}"
        yield "page-measurement", f"/measurement/{key}"
        yield from (("timeline", f"/api/measurement/{key}/timeline?place={place}") for place in (0, 1))
    for path in ("/nothing", "/api/series", "/api/videos?page=0", "/videos?nonsense=1", "/api/measurement/0"):
        yield "refusals", path
