"""Everything that the page of Pytomo 3 offered is found on this one, by the names of the table in PARITY.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.figures import BY_FORERUNNER, GROUPS, PARAMETERS
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.routes import ROUTES

SERIES = (
    *("DownloadTime", "DownloadBytes", "VideoDuration", "VideoLength", "InitialData", "InitialRate"),
    *("BufferingDuration", "BufferDurationAtEnd", "MaxInstantThp", "PlaybackDuration", "DownloadInterruptions"),
    *("EncodingRate", "PingMin", "PingAvg", "PingMax", "TimeTogetFirstByte", "StatusCode", "ResolveTime"),
    *("AvgThroughput", "ReceptionRatio", "VideosWithInterruptions"),
)
GROUPS_OF_PARITY = {
    "Main": "VideosWithInterruptions, AvgThroughput, BufferingDuration, PingAvg",
    "QoE": "VideosWithInterruptions, DownloadInterruptions, ReceptionRatio, BufferingDuration, BufferDurationAtEnd",
    "QoS": "AvgThroughput, MaxInstantThp, InitialRate, InitialData, DownloadBytes, DownloadTime, PlaybackDuration, "
    "PingMin, PingAvg, PingMax",
    "Video characteristics": "VideoLength, VideoDuration, EncodingRate",
    "ESMC": "AvgThroughput, PingAvg, VideosWithInterruptions, ResolveTime, TimeTogetFirstByte, StatusCode",
}
AVERAGES = (
    *("Service", "Total time", "Start", "End", "Number of videos", "Mean download time", "Mean stalls"),
    "Mean round trip",
)


def page_section(text: str) -> str:
    return re.sub(r"\s+", " ", text.split("## The web page")[1].split("\n## ")[0]).replace(
        "PingMin/Avg/Max", "PingMin, PingAvg, PingMax"
    )


def test_table_here_says_what_parity_says(shared: Path) -> None:
    section = page_section((shared / "PARITY.md").read_text())
    named = (
        section.split("the 18 numeric columns ")[1]
        .split("Each with title")[0]
        .replace("PingMin/Avg/Max", "PingMin, PingAvg, PingMax")
    )
    words = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+\b", named))
    assert words == set(SERIES) and len(SERIES) == 21
    groups = section.split("Groups: All parameters; ")[1].split(". - A page")[0]
    assert dict(re.findall(r"([A-Z][A-Za-z ]+) \(([^)]+)\)", groups)) == GROUPS_OF_PARITY
    averages = section.split("Averages beside the graphs: ")[1].split(". A clear message")[0]
    # Its interruptions are stalls here, and its ping is a round trip, on every page.
    ours = averages.replace("interruptions", "stalls").replace("mean ping", "mean round trip")
    assert [word.strip() for word in ours.split(",")] == [word.lower() for word in AVERAGES]


@pytest.mark.slow
@pytest.mark.parametrize("name", SERIES)
def test_each_series_has_its_page_with_title_unit_sentence_and_unknown_values(client: TestClient, name: str) -> None:
    parameter = BY_FORERUNNER[name]
    page = client.get(f"/series/{name}?period=all").text
    assert f"<h1>{parameter.title}</h1>" in page
    assert parameter.help.replace("'", "&#39;") in page and len(parameter.help) > 15
    assert f"Pytomo 3 called it {name}." in page
    assert "Unknown values" in page and re.search(r'id="unknown-1">[\d\u202f]+<', page)
    assert not parameter.unit or f'<span class="unit">{parameter.unit}</span>' in page


@pytest.mark.slow
@pytest.mark.parametrize("title", [*GROUPS_OF_PARITY, "All parameters"])
def test_each_group_has_its_graphs_and_the_averages(client: TestClient, title: str) -> None:
    [group] = [group for group in GROUPS.values() if group.title == title]
    page = client.get(f"/series?period=all&group={group.name}").text
    drawn = re.findall(r'data-src="/api/series\?[^"]*parameter=(\w+)"', page)
    wanted = list(SERIES) if title == "All parameters" else GROUPS_OF_PARITY[title].split(", ")
    assert {BY_FORERUNNER[name].name for name in wanted} <= set(drawn)
    assert title == "All parameters" or len(drawn) == len(wanted)
    for word in AVERAGES:
        assert f"<dt>{word}</dt>" in page


@pytest.mark.slow
def test_list_archive_distribution_pdf_and_documents_are_there(client: TestClient) -> None:
    listed = client.get("/videos?period=all").text
    for word in ("Time (UTC)", "Video", "Media host"):
        assert word in listed
    assert "filled.db" in client.get("/databases").text
    assert client.get("/report.pdf?period=all").content.startswith(b"%PDF-")
    assert "CDF" in client.get("/distributions").text and "CCDF" in client.get("/distributions").text
    assert "Documents" in client.get("/docs").text


def test_every_parameter_is_drawn_somewhere_and_says_what_it_is() -> None:
    for parameter in PARAMETERS.values():
        assert parameter.title and parameter.help.endswith(".")
        assert any(parameter.name in group.parameters for group in GROUPS.values() if group.name != "all")


def test_answers_are_documented_with_every_parameter(client: TestClient) -> None:
    routes = {route.path for route in ROUTES if route.path.startswith("/api/")}
    described = client.get("/api").json()["answers"]
    assert {path.replace("NUMBER", "{id:row}") for path in described} == routes
    page = (Path(__file__).resolve().parents[2] / "docs" / "dashboard.md").read_text()
    for path, answer in described.items():
        assert f"`{path}`" in page, path
        for name in answer["parameters"]:
            assert f"`{name}`" in page, (path, name)
    for name in client.get("/api").json()["common"]:
        assert f"`{name}`" in page, name


def test_document_shows_its_generated_tables_without_their_marks(client: TestClient) -> None:
    page = client.get("/docs/dashboard").text
    assert "<td><code>startup_delay_s</code></td>" in page and "generated:" not in page


def test_error_carries_its_sentence() -> None:
    assert BadRequestError("No.", 404).status == 404
