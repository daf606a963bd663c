"""`scrapy simulate` against the recorded browser sessions and against files that are no traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Run, refused
from tests.running.commands import command

ROOT = Path(__file__).resolve().parents[2]


def run_simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("scrapy", "simulate", *arguments), capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


def write_trace(folder: Path, media: Path) -> Path:
    size_bytes = media.stat().st_size
    arrivals = [[0.1 * (step + 1), size_bytes * (step + 1) // 100] for step in range(100)]
    path = folder / "trace.json"
    path.write_text(json.dumps({"window_s": 32, "streams": [{"media": str(media), "arrivals": arrivals}]}))
    return path


@pytest.mark.process
def test_simulate_prints_one_object_a_trace_and_nothing_else(shared: Path, tmp_path: Path) -> None:
    trace = write_trace(tmp_path, shared / "truth" / "media" / "prog_cbr.mp4")
    done = run_simulate("--player", "progressive", str(trace), str(trace))
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) == 2 and lines[0] == lines[1]
    answer = json.loads(lines[0])
    # 60 kB arrive every 0.1 s and the index takes 52 kB: the second step brings media. The start lags 0.15 s behind.
    assert answer["startup_delay_s"] == pytest.approx(0.35, abs=0.01)
    assert answer["stalls"] == [] and answer["freezes"] == []


def test_simulate_arrivals_that_run_back_count_as_arrived(run: Run, shared: Path, tmp_path: Path) -> None:
    media = str(shared / "truth" / "media" / "prog_cbr.mp4")
    arrivals = [[0.1, 100_000], [0.3, 200_000], [0.2999, 150_000], [0.4, 400_000]]
    paths = []
    for name, rows in (("back", arrivals), ("forth", [[0.1, 100_000], [0.3, 200_000], [0.4, 400_000]])):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps({"window_s": 5, "streams": [{"media": media, "arrivals": rows}]}))
    done = run("simulate", "--player", "progressive", *paths)
    assert done.exit_code == 0, done.errors
    back, forth = done.output.splitlines()
    assert back == forth


def test_simulate_sets_parameters(run: Run, shared: Path, tmp_path: Path) -> None:
    trace = write_trace(tmp_path, shared / "truth" / "media" / "prog_cbr.mp4")
    done = run("simulate", "--player", "classic", "--set", "initial_buffer_s=20", trace)
    assert json.loads(done.output)["startup_delay_s"] == pytest.approx(3.4, abs=0.11)


def test_simulate_plays_the_services_player_by_the_table(run: Run, shared: Path, tmp_path: Path) -> None:
    trace = write_trace(tmp_path, shared / "truth" / "media" / "prog_cbr.mp4")
    played = json.loads(run("simulate", "--player", "youtube", trace).output)
    assert (played["parameters_source"], played["is_validated"]) == ("table", False)
    assert (played["parameters"]["start_buffer_s"], played["parameters"]["resume_buffer_s"]) == (1.5, 6.0)
    changed = json.loads(run("simulate", "--player", "youtube", "--set", "start_buffer_s=12", trace).output)
    # Pieces of 5 s: of 12 s, three of them are there.
    assert played["initial_buffer_s"] == pytest.approx(5.0, abs=0.3)
    assert changed["initial_buffer_s"] == pytest.approx(15.0, abs=0.6)


def test_simulate_finds_media_beside_the_trace(
    run: Run, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "traces"
    folder.mkdir()
    (folder / "clip.mp4").symlink_to(shared / "truth" / "media" / "prog_cbr.mp4")
    trace = {"window_s": 5, "streams": [{"media": "clip.mp4", "arrivals": []}]}
    (folder / "trace.json").write_text(json.dumps(trace))
    done = run("simulate", folder / "trace.json")
    assert json.loads(done.output)["is_started"] is False, "nothing has arrived"


@pytest.mark.parametrize(
    ("trace", "word"),
    [
        ("{}", "trace.json is no trace file (KeyError('window_s'))"),
        ("[]", "trace.json is no trace file (TypeError("),
        ("no JSON", "trace.json is no trace file (JSONDecodeError("),
        ('{"window_s": "long", "streams": []}', "trace.json is no trace file (ValueError("),
        ('{"window_s": 5}', "trace.json is no trace file (KeyError('streams'))"),
        ('{"window_s": 5, "streams": ["x"]}', "trace.json is no trace file (TypeError("),
        ('{"window_s": NaN, "streams": []}', "trace.json is no trace file (ValueError('nan is no number of seconds or"),
        ("[" * 100_000, "trace.json is no trace file (RecursionError("),
    ],
)
def test_simulate_of_what_is_no_trace_is_one_sentence_and_2(run: Run, tmp_path: Path, trace: str, word: str) -> None:
    (tmp_path / "trace.json").write_text(trace)
    refused(run("simulate", "trace.json"), 2, word)


def test_trace_of_media_that_are_not_there_is_one_sentence_and_3(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.json").write_text('{"window_s": 5, "streams": [{"media": "no.mp4", "arrivals": []}]}')
    refused(run("simulate", "trace.json"), 3, "no.mp4 cannot be read: No such file or directory")


@pytest.mark.process
@pytest.mark.parametrize("view", [(), ("--picture",)])
def test_simulate_predicts_the_recorded_browser_within_its_own_noise(shared: Path, view: tuple[str, ...]) -> None:
    scorer = shared / "truth" / "score.py"
    words = [sys.executable, str(scorer), *view, "--", *command("scrapy", "simulate")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "own noise" in line]
    assert len(lines) == 2
    for line in lines:
        errors = [
            float(word) for word in line.split("traces")[1].split("(")[0].replace("s", " ").split() if _number(word)
        ]
        noise = [float(word) for word in line.split("noise")[1].strip(" )\n").split()]
        slack = (0.3, 0.3, 0.3) if view else (0.0, 0.0, 0.05)
        for error, own, more in zip(errors, noise, slack, strict=True):
            assert error <= own + more + 0.005, line


def _number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


# Links of which a replay takes little processor time: slow, fast, changing, as phones had them. CI plays all of them.
_QUICK_LINKS = {"dashjs": "3g-bus1046|c0.3-rtt40|c0.8-rtt40|c6-rtt40|step6-0.6"}
_QUICK_LINKS["shaka"] = f"{_QUICK_LINKS['dashjs']}|sq4-0.7x8"
_HAS_ALL_LINKS = bool(os.environ.get("PYTOMO_TEST_ALL_LINKS"))
# Limits of each figure: the browser's own noise on all links and a quarter, rounded as they are printed.
_ADAPTIVE_LIMITS = {
    "dashjs": {"startup": 0.72, "stalls": 0.19, "stalled": 1.03, "bitrate": 1.15, "share": 0.18, "switches": 0.82},
    "shaka": {"startup": 0.22, "stalls": 0.19, "stalled": 1.02, "bitrate": 1.10, "share": 0.15, "switches": 0.58},
}


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("player", _ADAPTIVE_LIMITS)
def test_simulate_predicts_recorded_adaptive_sessions_nearly_within_their_noise(shared: Path, player: str) -> None:
    scorer = shared / "truth" / "adaptive" / "score_adaptive.py"
    links = "" if _HAS_ALL_LINKS else f"({_QUICK_LINKS[player]})$"
    words = [sys.executable, str(scorer), "--only", f"^{player}/{links}", "--", *command("scrapy", "simulate")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    errors, noise = _figures(done.stdout, "error"), _figures(done.stdout, "noise")
    for (figure, limit), error, own in zip(_ADAPTIVE_LIMITS[player].items(), errors, noise, strict=True):
        # On some of the links the browser differs more from itself than on all.
        most = max(limit, 1.25 * own) if links and figure != "bitrate" else limit
        assert error <= most + 0.005, (figure, done.stdout)


def _figures(printed: str, word: str) -> list[float]:
    [line] = [line for line in printed.splitlines() if f" {word} " in line]
    return [float(text.lstrip("x")) for text in line.split(word)[1].split() if _number(text.lstrip("x"))]


def test_simulate_plays_a_session_file_with_a_ladder(run: Run, shared: Path, tmp_path: Path) -> None:
    folder = shared / "truth" / "adaptive"
    # 2 Mbit/s of both together, from 0.1 s on.
    arrivals = [[0.1 + 0.02 * step, 2500 * step] for step in range(1, 1000)]
    session = {
        "window_s": 20,
        "ladder": str(folder / "ladder.json"),
        "files": {"video": "v6_v.mp4", "audio": "a2_a.mp4"},
        "arrivals": {"video": arrivals, "audio": arrivals},
    }
    (tmp_path / "session.json").write_text(json.dumps(session))
    played = json.loads(run("simulate", "--player", "shaka", tmp_path / "session.json").output)
    assert (played["player"], played["failure"], played["ladder_source"]) == ("shaka-adaptive", None, "index")
    assert played["switches"][0][1] in range(1, 7)
    assert set(played["height_s"]) <= {"144", "180", "240", "288", "360", "480"}
    fixed = run("simulate", "--player", "classic", tmp_path / "session.json")
    assert fixed.exit_code == 0, "a player that does not adapt has no media here"
    assert json.loads(fixed.output)["failure"] is not None or json.loads(fixed.output)["is_started"] is False
