"""A plan is read at once, and what is wrong with it is one sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.studies.plan_file import read_plan
from pytomo_scrapy.studies.plan_template import PLAN_TEMPLATE
from pytomo_scrapy.studies.study_plan import Arm, FrozenPlan, Schedule, StudyPlan, read_back

ID = "dQw4w9WgXcQ"
LINK = f"https://www.youtube.com/watch?v={ID}"
ARMS = """
[[arms]]
name = "A"
settings = { PYTOMO_IP_FAMILY = "4" }
[[arms]]
name = "B"
settings = { PYTOMO_IP_FAMILY = "6" }
"""
PLAN = (
    'name = "one"\nquestion = "Is B worse?"\n#top\n'
    + ARMS
    + f'#arm\n[panel]\nvideos = ["{ID}"]\n[schedule]\nrounds = 4\nevery_h = 6\n'
    + "[outcome]\nsmallest_effect = 0.2\n[stopping]\nlooks = []\n[settings]\nPYTOMO_DOWNLOAD_WINDOW_S = 10\n"
)


def read(folder: Path, text: str) -> StudyPlan:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan(str(path))[0]


def test_plan_is_what_its_file_says(tmp_path: Path) -> None:
    plan = read(tmp_path, PLAN)
    assert plan.arms == (Arm("A", {"PYTOMO_IP_FAMILY": "4"}), Arm("B", {"PYTOMO_IP_FAMILY": "6"}))
    assert plan.panel.videos == (LINK,)
    assert plan.schedule == Schedule(4, 6 * 3600.0, "0")
    assert plan.settings_of(plan.arms[1]) == {"PYTOMO_DOWNLOAD_WINDOW_S": "10", "PYTOMO_IP_FAMILY": "6"}
    assert plan.look_rounds == (4,)


def test_template_is_a_plan(tmp_path: Path) -> None:
    (tmp_path / "videos.txt").write_text(f"{ID}\n", encoding="utf-8")
    assert read(tmp_path, PLAN_TEMPLATE).schedule.rounds == 28


def test_hash_is_of_the_values_and_not_of_the_words_around_them(tmp_path: Path) -> None:
    plan = read(tmp_path, PLAN)
    frozen, again = FrozenPlan(plan, (LINK,)), FrozenPlan(read(tmp_path, f"# a remark\n{PLAN}"), (LINK,))
    assert frozen.plan_hash == again.plan_hash
    assert frozen.plan_hash != FrozenPlan(plan, (LINK, "another")).plan_hash
    assert read_back(frozen.plan_json).plan_json == frozen.plan_json


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("#top", "colour = 1", "colour is not known: it must be one of name, question"),
        (ARMS, '[[arms]]\nname = "A"\n', "at least two arms, and this one has 1"),
        ('name = "B"', 'name = "A"', "two arms have the name 'A'"),
        ('"6"', '"4"', "measure in the same way: there is nothing to compare"),
        ("PYTOMO_IP_FAMILY", "PYTOMO_IP_FAMLY", "PYTOMO_IP_FAMLY is no setting"),
        ("PYTOMO_IP_FAMILY", "PYTOMO_PACE_S", "PYTOMO_PACE_S is a setting of the whole crawl"),
        ('"6"', '"five"', "PYTOMO_IP_FAMILY='five' is not usable"),
        ('"6"', '"both"', "PYTOMO_IP_FAMILY=both is a comparison of its own"),
        ("smallest_effect = 0.2", "smallest_effect = 0", "no study can find 0"),
        ("smallest_effect = 0.2", "", "outcome.smallest_effect is missing"),
        (f'videos = ["{ID}"]', "", "it has no panel"),
        (f'videos = ["{ID}"]', 'videos = ["no link"]', "panel.videos"),
        (f'videos = ["{ID}"]', 'file = "nowhere.txt"', "nowhere.txt cannot be read"),
        (f'videos = ["{ID}"]', f'videos = ["{ID}"]\ncount = 3', "it must be one of them"),
        (f'videos = ["{ID}"]', "count = 3\nstrata = { views = [5, 5] }", "numbers that rise"),
        ("rounds = 4", "rounds = 0", "schedule.rounds = 0 must be a whole number of at least 1"),
        ("rounds = 4", "rounds = true", "schedule.rounds = True must be something else than true or false"),
        ("looks = []", "looks = [4]", "must be rounds before the last, which is 4"),
        ("#top", 'exclusions = ["stalls"]', "exclusions = ['stalls'] must be a list of foreign_traffic"),
        ('name = "B"', 'name = "B"\nvantage = "there"', "'B' has a vantage and others have none"),
        ("#arm", "[", "is no TOML"),
        # An arm's own keys, each named by its place in the list.
        (
            "#arm",
            "colour = 1",
            "plan.toml is not usable: arms[1].colour is not known: it must be one of name, settings",
        ),
        ('name = "A"', "", "plan.toml is not usable: arms[0].name is missing."),
        ('name = "A"', "name = true", "arms[0].name = True must be something else than true or false"),
        ('name = "A"', 'name = "a/b"', "arms[0].name = 'a/b' must be at most 60 letters, digits, blanks, dots"),
        ('name = "A"', f'name = "{"a" * 61}"', "must be at most 60 letters"),
        (ARMS, "arms = 2", "arms = 2 must be a list of tables, [[arms]]"),
        (ARMS, "arms = [1, 2]", "plan.toml is not usable: arms[0] must be a table."),
        ('settings = { PYTOMO_IP_FAMILY = "4" }', "settings = 4", "settings = 4 must be a table of settings, such as"),
        ('question = "Is B worse?"', "", "plan.toml is not usable: question is missing."),
        ('question = "Is B worse?"', 'question = " "', "question = ' ' must be some text"),
        (f'videos = ["{ID}"]', "videos = 3", "panel.videos = 3 must be a list of links or ids"),
        (f'videos = ["{ID}"]', "videos = [3]", "panel.videos = [3] must be a list of links or ids"),
        (f'videos = ["{ID}"]', 'count = 3\nstrata = { views = "many" }', "numbers that rise, each the bound between"),
        (f'videos = ["{ID}"]', 'count = 3\nstrata = { views = ["many"] }', "numbers that rise, each the bound between"),
        (f'videos = ["{ID}"]', "count = 3\nstrata = { length_s = [5] }", "panel.strata.length_s is not known"),
        (
            f'videos = ["{ID}"]',
            "count = 100001",
            "panel.count = 100001 must be a whole number of at least 1 and at most",
        ),
        (f'videos = ["{ID}"]', 'file = "bad.txt"', "bad.txt, line 2: "),
        ("every_h = 6", "every_h = -1", "schedule.every_h = -1 must be a number of at least 0 and at most 8784"),
        ("every_h = 6", "every = 6", "schedule.every is not known: it must be one of rounds, every_h, seed"),
        ("smallest_effect = 0.2", 'smallest_effect = "a fifth"', "must be a number of at least -0.99 and at most 10"),
        (
            "smallest_effect = 0.2",
            "smallest_effect = 0.2\npower = 1",
            "outcome.power = 1 must be a number of at least 0.5",
        ),
        (
            "smallest_effect = 0.2",
            'smallest_effect = 0.2\nfigure = "joy"',
            "outcome.figure = 'joy' must be one of with_stalls",
        ),
        ("looks = []", "looks = 2", "stopping.looks = 2 must be rounds after which the outcome is looked at"),
        ("looks = []", 'looks = ["first"]', "must be rounds after which the outcome is looked at, such as [7, 14]"),
        ("#top", 'exclusions = "busy_machine"', "exclusions = 'busy_machine' must be a list of foreign_traffic"),
        (
            "PYTOMO_DOWNLOAD_WINDOW_S = 10",
            'PYTOMO_HTTP_PROXY = "http://me:secret@proxy:3128"',
            "PYTOMO_HTTP_PROXY holds a password",
        ),
    ],
)
def test_plan_that_is_not_usable_is_refused_with_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in PLAN
    (tmp_path / "bad.txt").write_text(f"{ID}\nno link\n", encoding="utf-8")
    with pytest.raises(SettingError) as refusal:
        read(tmp_path, PLAN.replace(old, new))
    sentence = str(refusal.value)
    assert words in sentence
    assert sentence.endswith(".") and "\n" not in sentence


def test_plan_that_is_no_text_is_refused_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(PLAN.encode("utf-16"))
    with pytest.raises(SettingError, match=r"plan\.toml cannot be read: it is not UTF-8\.$"):
        read_plan(str(path))


@pytest.mark.parametrize(
    ("written", "stored"),
    [('"4"', "4"), ("4", "4"), ("12.5", "12.5"), ("true", "true"), ("false", "false")],
)
def test_value_of_a_setting_is_stored_as_a_person_would_write_it(tmp_path: Path, written: str, stored: str) -> None:
    name = "PYTOMO_DOWNLOAD_ALL_ADDRESSES" if written in {"true", "false"} else "PYTOMO_DOWNLOAD_WINDOW_S"
    plan = read(tmp_path, PLAN.replace("PYTOMO_DOWNLOAD_WINDOW_S = 10", f"{name} = {written}"))
    assert plan.settings == {name: stored}


def test_panel_of_a_file_and_of_a_list_is_both_and_each_video_once(tmp_path: Path) -> None:
    other = "M4gD1WSo5mA"
    (tmp_path / "videos.txt").write_text(f"# a remark\n\n{other}\nhttps://youtu.be/{ID}\n", encoding="utf-8")
    plan = read(tmp_path, PLAN.replace(f'videos = ["{ID}"]', f'videos = ["{ID}"]\nfile = "videos.txt"'))
    assert plan.panel.videos == (LINK, LINK.replace(ID, other))


def test_looks_and_exclusions_are_kept_once_and_in_their_order(tmp_path: Path) -> None:
    text = PLAN.replace("looks = []", "looks = [3, 1, 3]")
    plan = read(tmp_path, text.replace("#top", 'exclusions = ["far_apart", "busy_machine"]'))
    assert (plan.looks, plan.look_rounds) == ((1, 3), (1, 3, 4))
    assert plan.exclusions == ("busy_machine", "far_apart")


def test_machine_measures_its_own_arms_or_all_where_none_names_one(tmp_path: Path) -> None:
    both = read(tmp_path, PLAN)
    assert both.arms_of("anywhere") == both.arms
    text = PLAN.replace('name = "A"', 'name = "A"\nvantage = "attic"\nprovider = "ISP"')
    split = read(tmp_path, text.replace('name = "B"', 'name = "B"\nvantage = "cellar"'))
    assert [[arm.name for arm in split.arms_of(place)] for place in ("attic", "cellar", "roof")] == [["A"], ["B"], []]
    assert split.arms[0].provider == "ISP"


@pytest.mark.parametrize("panel", [f'videos = ["{ID}"]', "count = 5\nstrata = { views = [1e6, 3e6], age_days = [30] }"])
def test_plan_that_was_frozen_is_read_back_as_the_same_plan(tmp_path: Path, panel: str) -> None:
    plan = read(tmp_path, PLAN.replace(f'videos = ["{ID}"]', panel).replace("looks = []", "looks = [2]"))
    assert read_back(FrozenPlan(plan, (LINK,)).plan_json) == FrozenPlan(plan, (LINK,))


def test_plan_that_is_not_there_is_no_wrong_plan(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_plan(str(tmp_path / "nowhere.toml"))
