"""The image and its neighbours: built from what is needed alone, run by a user who may do nothing."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose"


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments; lines that go on are joined."""
    text = re.sub(r"\\\n\s*", "", (COMPOSE / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_image_runs_as_a_user_who_owns_its_data_alone() -> None:
    steps = instructions()
    (user,) = [rest for word, rest in steps if word == "USER"]
    assert user.isdigit() and int(user) > 0
    last_stage = steps[max(index for index, (word, _) in enumerate(steps) if word == "FROM") :]
    assert ("USER", user) in last_stage and ("WORKDIR", "/data") in last_stage
    made = next(rest for word, rest in last_stage if word == "RUN")
    assert f"--uid {user} " in made and "--owner pytomo --group pytomo --mode 0700 /data" in made
    assert last_stage[-1] == ("ENTRYPOINT", '["scrapy"]')
    assert ("ENV", "SCRAPY_SETTINGS_MODULE=pytomo_scrapy.settings") in last_stage


def test_image_installs_what_the_lock_names_and_fetches_nothing_else() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert ["--require-hashes" in rest or "--no-deps --no-build-isolation" in rest for rest in installs] == [True, True]
    (copied,) = [rest.split()[0] for word, rest in instructions() if word == "COPY" and "/locks/" in rest]
    assert (ROOT / copied).is_file()


def test_every_image_is_named_in_one_place_by_name_and_tag() -> None:
    lines = (COMPOSE / ".env").read_text(encoding="utf-8").splitlines()
    named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(named) == {"PYTHON_IMAGE", "POSTGRES_IMAGE"}
    for image in named.values():
        assert re.fullmatch(r"[a-z]+:[\w.-]+(@sha256:[0-9a-f]{64})?", image)
    assert services()["database"]["image"].startswith("${POSTGRES_IMAGE:-")
    assert services()["crawler"]["build"]["args"]["PYTHON_IMAGE"].startswith("${PYTHON_IMAGE:-")
    assert {rest.split()[0] for word, rest in instructions() if word == "FROM"} == {"${PYTHON_IMAGE}"}


@pytest.mark.process
@pytest.mark.parametrize("answer", ["sha256:" + "ab" * 32, "no such image"])
def test_pinning_writes_what_the_registry_says_or_nothing(answer: str, tmp_path: Path) -> None:
    for name in (".env", "pin_images.sh"):
        shutil.copy(COMPOSE / name, tmp_path)
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\necho '{answer}'\n")
    docker.chmod(0o755)
    before = (tmp_path / ".env").read_text()
    path = f"{docker.parent}:{os.environ['PATH']}"
    for _ in range(2):  # the second time takes the digest of the first one away
        done = subprocess.run(
            ["sh", str(tmp_path / "pin_images.sh")], env={"PATH": path}, check=False, timeout=30, capture_output=True
        )
        after = (tmp_path / ".env").read_text()
        if answer.startswith("sha256:"):
            assert done.returncode == 0
            assert after == re.sub(r"(_IMAGE=[^@\n]+)", rf"\1@{answer}", before)
        else:
            assert done.returncode == 1 and after == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "bin", "pin_images.sh"]


def test_crawler_in_a_container_may_do_nothing_that_it_does_not_need() -> None:
    crawler = services()["crawler"]
    assert crawler["cap_drop"] == ["ALL"] and "cap_add" not in crawler and "privileged" not in crawler
    assert crawler["security_opt"] == ["no-new-privileges:true"] and crawler["read_only"] is True
    assert "user" not in crawler, "the image says which one"


def copy_context(target: Path) -> None:
    """Copy what .dockerignore lets into the build: it leaves everything out and names what comes in."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*", "nothing comes in that is not named"
    for line in lines[1:]:
        assert line.startswith(("!", "**/__pycache__")), line
        for source in sorted(ROOT.glob(line[1:])) if line.startswith("!") else []:
            place = target / source.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, place)


def test_no_secret_and_no_database_comes_into_the_build(tmp_path: Path) -> None:
    copy_context(tmp_path)
    found = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    kept = {"pytomo_scrapy", "docs", "packaging", "pyproject.toml", "requirements.txt", "setup.py", "README.md"}
    assert found == kept | {"LICENSE"}


@pytest.mark.process
@pytest.mark.slow
def test_package_is_whole_when_built_from_that(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    context = tmp_path / "context"
    copy_context(context)
    # As pip has it built, without pip.
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=context, stdout=subprocess.DEVNULL, check=True, timeout=300
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "pytomo_scrapy/storage/migrations/versions/0001_first_release.py" in names
    assert "pytomo_scrapy/dashboard/static/page.css" in names
    assert "pytomo_scrapy/dashboard/documents/deployment.md" in names
    assert "pytomo_scrapy/dashboard/documents/images/flow.svg" in names


def test_scripts_can_be_run() -> None:
    for script in (COMPOSE / "pin_images.sh", ROOT / "packaging" / "locks" / "lock.sh"):
        assert script.stat().st_mode & stat.S_IXUSR
