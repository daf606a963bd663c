"""The `pytomo` command as a shell runs it: names, exit codes, any folder, pipes, completion."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pytomo_scrapy import __version__
from pytomo_scrapy.cli import main, scrapy_commands
from pytomo_scrapy.storage import migrate
from tests.conftest import missing
from tests.e2e.conftest import clean_environment, query
from tests.running.commands import Finished, command, run_command
from tests.running.sharing import ROOT


def pytomo(
    *words: str, cwd: Path, timeout_s: float = 120, command: Sequence[str] | None = None, **environment: str
) -> Finished:
    """Run `pytomo WORDS` in a folder that knows nothing of the project; `command` stands for another start of it."""
    variables = clean_environment(**environment)
    if command is None and "PYTOMO_YT_DLP" not in variables:
        return run_command("pytomo", *words, cwd=cwd, environment=variables, timeout_s=timeout_s)
    # Another yt-dlp is chosen before anything is imported.
    done = subprocess.run(
        [*(command or (sys.executable, "-m", "pytomo_scrapy")), *words],
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr, 0.0)


@pytest.mark.process
def test_help_lists_every_command(tmp_path: Path) -> None:
    done = pytomo("--help", cwd=tmp_path)
    assert done.exit_code == 0
    listed = {line.split()[0] for line in done.output.splitlines() if line.startswith("  ")}
    assert listed == set(scrapy_commands.names())
    assert {"crawl", "serve", "measure", "report", "lab", "db", "export", "import-legacy"} <= listed


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """Run `pytomo WORDS` in this process, in an empty folder."""
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "pytomo_scrapy.settings")
    monkeypatch.delenv("PYTOMO_YT_DLP", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)

    def run_here(*words: str) -> Finished:
        with pytest.raises(SystemExit) as ended:
            main.main(words)
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Finished(ended.value.code, said.out, said.err, 0.0)

    return run_here


Here = Callable[..., Finished]


def test_no_command_prints_the_help_and_ends_with_2(here: Here) -> None:
    done = here()
    assert done.exit_code == 2 and done.output.startswith("usage: pytomo COMMAND")
    for word in ("help", "-h"):
        assert here(word) == Finished(0, done.output, "", 0.0)


@pytest.mark.parametrize("word", ["--version", "-V", "version"])
def test_version_is_the_packages(here: Here, word: str) -> None:
    assert here(word) == Finished(0, f"pytomo {__version__}\n", "", 0.0)


@pytest.mark.parametrize("name", scrapy_commands.names())
def test_command_explains_itself_under_its_own_name(here: Here, name: str) -> None:
    done = here(name, "-h")
    assert (done.exit_code, done.errors) == (0, "")
    assert done.output.startswith(f"usage: pytomo {name}")
    assert "--database" in done.output


def test_wrong_usage_ends_with_one_sentence_and_2(here: Here) -> None:
    done = here("no-such")
    assert (done.exit_code, done.output) == (2, "")
    assert done.errors.startswith("'no-such' is not a command: it must be one of crawl, measure, serve, report")
    assert len(done.errors.splitlines()) == 1
    assert here("reprot").errors == "'reprot' is not a command: did you mean report?\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_completion_script_knows_every_command(here: Here, shell: str) -> None:
    done = here("completion", shell)
    assert (done.exit_code, done.errors) == (0, "")
    assert all(name in done.output for name in scrapy_commands.names())
    # Settings, players, worlds of the lab and classes of failure too.
    assert all(word in done.output for word in ("PYTOMO_DOWNLOAD_WINDOW_S=", "shaka", "autumn2026", "dns_nxdomain"))


def test_interrupt_ends_with_130(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(scrapy_commands, "run_command", interrupted)
    assert here("report") == Finished(130, "", "", 0.0)


def test_yt_dlp_that_is_named_comes_first(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "newer" / "yt_dlp").mkdir(parents=True)
    (tmp_path / "newer" / "yt_dlp" / "__init__.py").touch()
    monkeypatch.setenv("PYTOMO_YT_DLP", "newer")
    assert here("version").exit_code == 0
    assert sys.path[0] == str(tmp_path / "newer")


def test_yt_dlp_that_is_not_there_is_refused(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTOMO_YT_DLP", "newer")
    sentence = "PYTOMO_YT_DLP='newer' is not usable: it must be a folder, wheel or zip that holds yt_dlp.\n"
    assert here("version") == Finished(2, "", sentence, 0.0)


@pytest.mark.process
def test_another_projects_scrapy_cfg_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = no_such_project.settings\n")
    done = pytomo("db", "upgrade", cwd=tmp_path)
    assert done.exit_code == 0, done.errors
    done = pytomo("report", cwd=tmp_path)
    assert done.exit_code == 0, done.errors
    assert "holds no measurement yet" in done.output.replace("\n", " ")


@pytest.mark.process
def test_database_option_names_a_file_or_a_url(tmp_path: Path) -> None:
    for given in ("a.db", f"sqlite:///{tmp_path}/b.db"):
        done = pytomo("db", "upgrade", "--database", given, cwd=tmp_path)
        assert done.exit_code == 0, done.errors
    assert (tmp_path / "a.db").is_file() and (tmp_path / "b.db").is_file()
    assert query(tmp_path / "a.db", "SELECT version_num FROM alembic_version") == [(migrate.HEAD,)]


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "words"),
    [("pytomo", ("--help",)), ("pytomo", ("settings",)), ("pytomo", ("failures",)), ("scrapy", ("lab", "list"))],
)
def test_output_into_a_pipe_that_closes_is_no_error(name: str, words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(command(name, *words), cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (141, "")


@pytest.mark.process
def test_report_into_a_pipe_has_no_colour_and_on_a_terminal_respects_no_color(tmp_path: Path) -> None:
    assert "\x1b" not in pytomo("report", cwd=tmp_path).output
    pytomo("db", "upgrade", cwd=tmp_path)
    coloured = pytomo("report", cwd=tmp_path, NO_COLOR="1", FORCE_COLOR="1", TERM="xterm").output
    assert "\x1b[3" not in coloured


@pytest.mark.process
def test_completion_script_is_accepted_by_bash_and_completes_commands(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        missing("bash is not installed")
    script = tmp_path / "pytomo.bash"
    script.write_text(pytomo("completion", "bash", cwd=tmp_path).output)
    ask = f"source {script}; COMP_WORDS=(pytomo imp); COMP_CWORD=1; _shtab_pytomo; echo ${{COMPREPLY[@]}}"
    done = subprocess.run([str(bash), "-c", ask], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.strip() == "import-legacy", done.stderr
    for words, found in (
        ("crawl -s PYTOMO_DOWNLOAD_WINDOW", "PYTOMO_DOWNLOAD_WINDOW_S="),
        ("replay --player shaka-", "shaka-adaptive"),
        ("failures dns_nx", "dns_nxdomain"),
    ):
        count = len(words.split())
        ask = f"source {script}; COMP_WORDS=(pytomo {words}); COMP_CWORD={count}; _shtab_pytomo; echo ${{COMPREPLY[@]}}"
        done = subprocess.run([str(bash), "-c", ask], capture_output=True, text=True, timeout=30, check=False)
        assert done.stdout.split() == [found], done.stderr


@pytest.mark.process
def test_serve_answers_in_a_folder_without_anything_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    # As the forerunner's `start_server.py 5555`; 0 lets the system choose the port.
    process = subprocess.Popen(
        command("pytomo", "serve", "0"), cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.partition("is at ")[2].split()[0]
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=60) as answer:
            assert answer.status == 200 and b"<html" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.process
def test_crawl_in_the_lab_with_the_forerunners_line_stores_what_it_asked_for(tmp_path: Path) -> None:
    done = pytomo(
        *("lab", "--world", "clean", "crawl", "-r", "1", "-u", "2", "-p", "3", "-P", "4", "-t", "week", "-n", "1"),
        *("-D", "1", "-B", "2000", "-M", "0.1", "-x", "-L", "INFO", "-R", "--provider", "Old ISP", "-S", "0"),
        *("-O", "items.jsonl"),
        cwd=tmp_path,
        timeout_s=240,
    )
    assert done.exit_code == 0, done.errors[-3000:]
    assert "-B 2000 is read as milliseconds" in done.errors
    database = tmp_path / "databases" / "pytomo.db"
    assert query(database, "SELECT COUNT(*) FROM measurement") == [(2,)]
    assert query(database, "SELECT provider, public_address FROM vantage") == [("Old ISP", None)]
    assert query(database, "SELECT DISTINCT window_s FROM download WHERE window_s IS NOT NULL") == [(1.0,)]
    # Scrapy's feed has the same measurements, without the signed parts of their URLs.
    feed = (tmp_path / "items.jsonl").read_text()
    items = [json.loads(line) for line in feed.splitlines()]
    assert sorted((item["uuid"],) for item in items) == sorted(query(database, "SELECT uuid FROM measurement"))
    assert all(item["downloads"] and item["playbacks"] and item["resolve"]["client_address"] is None for item in items)
    assert "videoplayback?[removed]" in feed and "sig=" not in feed and "ip=" not in feed
