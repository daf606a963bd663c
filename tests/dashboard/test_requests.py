"""Requests: what is not understood is told in a sentence, nothing outside is shown, nothing is written."""

from __future__ import annotations

import hashlib
import os
import random
import re
import string
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.figures import DIMENSIONS, PARAMETERS
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app, host_of
from pytomo_scrapy.dashboard.documents import documents
from pytomo_scrapy.dashboard.server import TOKEN_VARIABLE, read_token

REQUEST_COUNT = int(os.environ.get("PYTOMO_TEST_REQUESTS", "150"))
PAGES = (
    "/",
    "/series",
    "/series?group=all",
    "/series/startup_delay_s",
    "/series/stall_count?compare=player",
    "/distributions",
    "/videos",
    "/measurement/1190",
    "/measurement/3",
    "/failures",
    "/runs",
    "/studies",
    "/databases",
    "/docs",
    "/api",
    "/api/parameters",
    "/api/databases",
    "/api/live",
    "/metrics",
    "/healthz",
    "/report.pdf",
)


@pytest.mark.slow
@pytest.mark.parametrize("address", PAGES)
def test_page_answers(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/?period=fortnight", 400, "`period` must be one of 1h"),
        ("/?from=yesterday", 400, "`from` must be a date such as"),
        ("/?from=2026-11-18&to=2026-11-17", 400, "`from` must lie before `to`"),
        ("/?from=99999999999999", 400, "`from` must be a date"),
        ("/?vantage=paris", 400, "`vantage` must be a whole number"),
        ("/?vantage=-1", 400, "`vantage` must be a whole number"),
        ("/?family=5", 400, "`family` must be 4 or 6"),
        ("/?rows=some", 400, "`rows` must be one of valid, all"),
        ("/?eras=none", 400, "`eras` must be one of last, all"),
        ("/?surprise=1", 400, "There is no parameter 'surprise' here"),
        ("/?host=a&host=b", 400, "`host` is given twice"),
        ("/?host=" + "a" * 201, 400, "at most 200 characters"),
        ("/?host=a%00b", 400, "at most 200 characters"),
        ("/?db=../../etc/passwd", 404, "There is no database with this id"),
        ("/?db=ffffffffffff", 404, "There is no database with this id"),
        ("/series?group=none", 400, "`group` must be one of main"),
        ("/series?compare=resolver", 400, "other than resolver and player"),
        ("/series/unheard_of", 404, "There is no such parameter"),
        ("/series/delivery_bps?compare=player", 400, "does not depend on the player"),
        ("/series/delivery_bps?compare=resolver", 400, "Only the name look-up can be compared by resolver"),
        ("/distributions?parameter=has_stall", 400, "has no distribution"),
        ("/videos?sort=title", 400, "`sort` must be one of started_s"),
        ("/videos?order=sideways", 400, "`order` must be one of down, up"),
        ("/videos?page=0", 400, "`page` must be a whole number from 1"),
        ("/videos?failure=whatever", 400, "`failure` must be any, none or a class"),
        ("/measurement/123456789", 404, "There is no measurement with this number"),
        ("/measurement/99999999999999999999999", 404, "There is no measurement with this number"),
        ("/measurement/" + "9" * 5000, 404, "There is no such page"),
        ("/api/series?parameter=delivery_bps&buckets=1", 400, "`buckets` must be a whole number from 2 to 600"),
        ("/api/series?parameter=delivery_bps&buckets=601", 400, "`buckets` must be a whole number from 2 to 600"),
        ("/api/series", 404, "There is no such parameter"),
        ("/api/heatmap?parameter=delivery_bps&utc_offset_min=-60", 400, "`utc_offset_min` must be a whole number"),
        ("/api/measurement/1190/timeline?place=9", 404, "There is no such window"),
        ("/report.pdf?group=none", 400, "`group` must be one of main"),
        ("/docs/../../etc/passwd", 404, "no such page"),
        ("/docs/nothing", 404, "no such page"),
        ("/docs/images/nothing.svg", 404, "no such page"),
        ("/docs/images/..%2fmetrics.md", 404, "no such page"),
        ("/nowhere", 404, "no such page"),
    ],
)
def test_request_that_cannot_be_answered_is_told_why(client: TestClient, address: str, status: int, words: str) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    text = answer.json()["error"] if address.startswith("/api") else answer.text
    assert words in text.replace("&#39;", "'")


def test_document_shows_its_generated_tables_without_their_marks(client: TestClient) -> None:
    text = client.get("/docs/settings").text
    assert "<td><code>PYTOMO_PACE_S</code></td>" in text
    assert "generated:" not in text


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/templates/base.html", "/static/nothing.js"]
)
def test_static_serves_only_its_own_files(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "create_app" not in answer.text


def test_static_file_is_not_sent_twice(client: TestClient) -> None:
    first = client.get("/static/uplot.js")
    again = client.get("/static/uplot.js", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_every_picture_of_a_document_is_served_as_what_it_is(client: TestClient) -> None:
    named = set()
    for name in documents():
        page = client.get(f"/docs/{name}").text
        named |= {(name, source) for source in re.findall(r'<img src="([^"]+)"', page)}
    assert {source for _, source in named} >= {f"images/{name}.svg" for name in ("flow", "gate", "tables", "window")}
    for name, source in named:
        answer = client.get(f"/docs/{source}")
        kind = "image/svg+xml" if source.endswith(".svg") else "image/png"
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind), f"{name}: {source}"


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
@pytest.mark.parametrize("path", ["/", "/api/series", "/videos", "/measurement/1"])
def test_page_cannot_be_written_to(client: TestClient, method: str, path: str) -> None:
    assert getattr(client, method)(path).status_code == 405


def test_every_answer_forbids_what_is_foreign(client: TestClient) -> None:
    for address in ("/", "/api/overview", "/static/page.css", "/nowhere", "/?period=x"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.slow
@pytest.mark.parametrize("address", [page for page in PAGES if not page.startswith(("/api", "/metrics", "/report"))])
def test_page_holds_no_inline_script_and_no_foreign_address(client: TestClient, address: str) -> None:
    text = client.get(address).text
    assert "<script>" not in text and " style=" not in text and " onclick=" not in text
    for piece in text.split('src="')[1:] + text.split('<link rel="stylesheet" href="')[1:]:
        assert piece.startswith("/")


def test_hostile_titles_are_text(client: TestClient, synthetic: object) -> None:
    page = client.get("/videos", params={"period": "all", "q": "document.title"}).text
    assert "&lt;script&gt;document.title" in page
    assert "<script>document" not in page and "<img src=x" not in page and "<svg/onload" not in page
    csv = client.get("/api/videos.csv", params={"period": "all", "q": "HYPERLINK"}).text
    assert "'=HYPERLINK" in csv and ",=HYPERLINK" not in csv
    assert "49" not in client.get("/videos", params={"period": "all", "q": "{{ 7 * 7"}).text.split("<tbody>")[1][:400]


def test_answer_that_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/api/series?parameter=delivery_bps")
    again = client.get("/api/series?parameter=delivery_bps", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_old_names_lead_to_the_new_ones(client: TestClient) -> None:
    answer = client.get("/series/PingAvg?period=all", follow_redirects=False)
    assert answer.status_code == 301
    assert answer.headers["location"].endswith("/series/rtt_avg_s?period=all")


@pytest.mark.slow
def test_token_is_demanded_where_one_is_set(filled: Path) -> None:
    with TestClient(create_app(DashboardConfig(f"sqlite:///{filled}", token="right"))) as client:
        assert client.get("/api/overview").status_code == 401
        assert client.get("/metrics").status_code == 401
        assert client.get("/", follow_redirects=False).headers["location"] == "/token"
        assert client.get("/api/overview", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/api/overview", headers={"Authorization": "Bearer right"}).status_code == 200
        assert client.get("/healthz").status_code == 200
        assert "not the token" in client.post("/token", content="token=wrong").text
        client.post("/token", content="token=right")
        assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:5555", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:5555", "::1"),
        # No host of ours: one would otherwise be cut out of them.
        ("[::1].attacker.example", ""),
        ("[::1", ""),
        ("::1", ""),
        ("localhost:5555:80", ""),
        ("localhost:port", ""),
        ("", ""),
    ],
)
def test_host_of_a_header_is_without_its_port(header: str, host: str) -> None:
    assert host_of(header) == host


@pytest.mark.parametrize(("set_to", "token"), [(None, None), ("", None), ("long enough", "long enough")])
def test_token_of_an_empty_variable_is_none(
    monkeypatch: pytest.MonkeyPatch, set_to: str | None, token: str | None
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    if set_to is not None:
        monkeypatch.setenv(TOKEN_VARIABLE, set_to)
    assert read_token(None, None) == token


@pytest.mark.slow
def test_foreign_host_name_is_refused(filled: Path) -> None:
    config = DashboardConfig(f"sqlite:///{filled}", allowed_hosts=("127.0.0.1", "localhost", "::1"))
    with TestClient(create_app(config)) as client:
        assert client.get("/", headers={"Host": "attacker.example"}).status_code == 421
        assert client.get("/", headers={"Host": "127.0.0.1:5555"}).status_code == 200
        assert client.get("/", headers={"Host": "[::1]:5555"}).status_code == 200
        assert client.get("/", headers={"Host": "[::1]"}).status_code == 200


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_reading_every_page_changes_nothing(client: TestClient, filled: Path) -> None:
    before = _digest(filled)
    for address in PAGES:
        client.get(address)
    assert _digest(filled) == before


WORDS = ("", "0", "1", "-1", "all", "none", "..", "../../etc/passwd", "%", "'", '"', "<b>", "\x00", "é", "1e999", "NaN")


def _random_request(chance: random.Random) -> tuple[str, dict[str, str]]:
    paths = [page.split("?")[0] for page in PAGES] + ["/api/" + word for word in (
        "overview", "series", "series.csv", "distribution", "distribution.csv", "scatter", "heatmap", "failures",
        "videos", "videos.csv", "measurement/7", "measurement/1190/timeline", "live",
    )]  # fmt: skip
    path = chance.choice([path for path in paths if path != "/report.pdf"])
    if chance.random() < 0.15:
        path += "/" + "".join(chance.choices(string.printable[:94].replace("?", "").replace("#", ""), k=6))
    if chance.random() < 0.2:
        path = f"/series/{chance.choice(list(PARAMETERS))}"
    likely = {
        "period": ["all", "7d", "1h", "x"],
        "from": ["0", "1794000000", "2026-11-10", "x"],
        "to": ["1795000000", "4102444800", "0"],
        "parameter": list(PARAMETERS),
        "x": list(PARAMETERS),
        "y": list(PARAMETERS),
        "compare": list(DIMENSIONS),
        "group": ["main", "all", "x"],
        "sort": ["delivery_bps", "x"],
        "page": ["1", "2", "1000000", "9999999"],
        "player": ["classic", "dashjs", "none"],
        "provider": ["ISP A", "nobody"],
        "vantage": ["1", "9", "99999999999999999999"],
        "run": ["1", "999999999999999999"],
        "buckets": ["2", "600", "x"],
        "rows": ["all", "valid"],
        "eras": ["all", "last"],
        "q": ["%", "video", "'; --"],
        "utc_offset_min": ["0", "1560"],
        "failure": ["any", "removed"],
        "db": ["x"],
    }
    names = chance.sample(list(likely), k=chance.randrange(4)) + (["odd"] if chance.random() < 0.05 else [])
    values = {name: chance.choice(likely.get(name, ["1"])) for name in names}
    if values and chance.random() < 0.2:
        values[chance.choice(list(values))] = chance.choice(WORDS)
    if path in {"/api/series", "/api/distribution", "/api/heatmap"}:
        values.setdefault("parameter", chance.choice(list(PARAMETERS)))
    if path == "/api/scatter":
        values = {"x": "stall_count", "y": "delivery_bps", **values}
    return path, values


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, synthetic: object) -> TestClient:
    from pytomo_scrapy.storage.database import open_database

    path = tmp_path_factory.mktemp("small") / "small.db"
    database = open_database(f"sqlite:///{path}")
    synthetic.fill(database, 150, days=5, videos=30)  # type: ignore[attr-defined]
    database.close()
    return TestClient(create_app(DashboardConfig(f"sqlite:///{path}", path.parent)), raise_server_exceptions=False)


@pytest.mark.slow
def test_no_request_breaks_the_page(small: TestClient) -> None:
    chance = random.Random(20261123)
    statuses: dict[int, int] = {}
    with small:
        for number in range(REQUEST_COUNT):
            path, values = _random_request(chance)
            answer = small.get(path, params=values)
            assert answer.status_code < 500, (number, path, values, answer.text[:500])
            assert answer.elapsed.total_seconds() < 5, (path, values)
            assert b"Traceback" not in answer.content and b"root:" not in answer.content
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    # Not all refused, not all answered: the requests reached both.
    enough = {200: 0.3, 400: 0.06, 404: 0.02}
    assert all(statuses[status] > share * REQUEST_COUNT for status, share in enough.items()), statuses
