"""The settings table: defaults, checks, and the documentation that must hold every row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import SettingError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def load(**overrides: object) -> config.Config:
    return config.load(overrides.get)


def test_load_without_overrides_gives_the_defaults_of_the_table() -> None:
    loaded = load()
    assert loaded.download.window_s == 30.0
    assert loaded.playback.initial_buffer_s == 2.0
    assert [resolver.name for resolver in loaded.dns.resolvers] == ["system", "google", "opendns"]


def test_configurations_built_without_arguments_are_what_a_user_runs() -> None:
    assert config.Config() == load()
    assert config.DownloadConfig() == load().download
    # As the add-on sets them: as a user would give them, and not as the parsers read them.
    assert config.load({setting.name: setting.default for setting in config.SETTINGS}.get) == config.Config()


def test_configurations_that_share_a_part_get_the_same_values() -> None:
    loaded = load(PYTOMO_SOURCE_ADDRESS="192.0.2.1", PYTOMO_DNS_TIMEOUT_S="7")
    assert loaded.path.source_address == "192.0.2.1"
    assert loaded.path == loaded.resolve.path == loaded.ping.path == loaded.download.path
    assert loaded.dns.timeout_s == 7
    assert loaded.dns == loaded.network.dns


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("PYTOMO_DOWNLOAD_WINDOW_S", "soon"),
        ("PYTOMO_DOWNLOAD_WINDOW_S", "-3"),
        ("PYTOMO_DOWNLOAD_WINDOW_S", "nan"),
        ("PYTOMO_DOWNLOAD_WINDOW_S", "inf"),
        ("PYTOMO_PING_PACKETS", "1.5"),
        ("PYTOMO_QUIET_WINDOW", "perhaps"),
        ("PYTOMO_IP_FAMILY", "5"),
        ("PYTOMO_DNS_RESOLVERS", "google=here"),
        ("PYTOMO_DNS_RESOLVERS", "a=1.1.1.1,a=2.2.2.2"),
        ("PYTOMO_DNS_RESOLVERS", ""),
        ("PYTOMO_HTTP_PROXY", "localhost:3128"),
        ("PYTOMO_SOURCE_ADDRESS", "eth0"),
        ("PYTOMO_FORMAT", " "),
    ],
)
def test_load_with_a_bad_value_names_the_setting_and_what_is_right(name: str, bad: str) -> None:
    with pytest.raises(SettingError) as caught:
        load(**{name: bad})
    message = str(caught.value)
    assert message.startswith(f"{name}={bad!r} is not usable: it must be ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"PYTOMO_GRADE_STARTED_GOOD_RATIO": "0.9"},
            "PYTOMO_GRADE_STARTED_POOR_RATIO=0.95 is not usable: "
            "it must be at most PYTOMO_GRADE_STARTED_GOOD_RATIO=0.9.",
        ),
        (
            {"PYTOMO_GRADE_STARTUP_GOOD_S": "6"},
            "PYTOMO_GRADE_STARTUP_GOOD_S=6 is not usable: it must be at most PYTOMO_GRADE_STARTUP_POOR_S=5.",
        ),
        (
            {"PYTOMO_GRADE_STALLED_GOOD_RATIO": "0.2", "PYTOMO_GRADE_STALLED_POOR_RATIO": "0.1"},
            "PYTOMO_GRADE_STALLED_GOOD_RATIO=0.2 is not usable: "
            "it must be at most PYTOMO_GRADE_STALLED_POOR_RATIO=0.1.",
        ),
    ],
)
def test_thresholds_of_a_grade_that_contradict_each_other_are_refused(changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        config.load(changed.get)
    assert str(refused.value) == sentence


def test_thresholds_of_a_grade_may_be_equal() -> None:
    grade = config.load({"PYTOMO_GRADE_STARTUP_GOOD_S": "5", "PYTOMO_GRADE_STARTED_POOR_RATIO": "0.99"}.get).grade
    assert (grade.startup_good_s, grade.started_poor_ratio) == (5, 0.99)


def test_load_switches_optional_settings_off_by_an_empty_value() -> None:
    loaded = load(PYTOMO_PROVIDER="", PYTOMO_HTTP_PROXY="none")
    assert loaded.provider is None
    assert loaded.path.proxy is None


def test_environment_gives_known_names_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTOMO_PACE_S", "7")
    monkeypatch.setenv("PYTOMO_NO_SUCH_THING", "1")
    found = config.environment()
    assert found["PYTOMO_PACE_S"] == "7"
    assert "PYTOMO_NO_SUCH_THING" not in found


def test_every_setting_has_its_row_in_the_docs_with_its_default() -> None:
    rows = {
        line.split("|")[1].strip().strip("`"): line
        for line in (DOCS / "settings.md").read_text().splitlines()
        if line.startswith("| `PYTOMO_")
    }
    assert set(rows) == set(config.BY_NAME)
    for setting in config.SETTINGS:
        default = setting.default
        shown = "none" if default is None else int(default) if isinstance(default, bool) else default
        assert f"`{shown}`".replace("|", "\\|") in rows[setting.name]
        assert setting.help in rows[setting.name]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PYTOMO_DATABASE", "did you mean PYTOMO_DATABASE_URL"),
        ("PYTOMO_DOWNLOAD_WINDOWS_S", "did you mean PYTOMO_DOWNLOAD_WINDOW_S"),
        ("PYTOMO_PACE", "did you mean PYTOMO_PACE_S"),
        ("PYTOMO_COLOUR_OF_THE_LINE", "`pytomo settings` lists them"),
    ],
)
def test_name_that_is_no_setting_is_refused_and_the_nearest_one_named(name: str, meant: str) -> None:
    with pytest.raises(SettingError) as caught:
        config.check_names(["BOT_NAME", *config.BY_NAME, name])
    assert str(caught.value).startswith(f"{name} is no setting")
    assert meant in str(caught.value)


def test_every_name_that_is_no_setting_is_named_at_once() -> None:
    with pytest.raises(SettingError) as caught:
        config.check_names(["PYTOMO_PAC_S", "PYTOMO_PACE_S", "PYTOMO_QQ", "PYTOMO_VANTAG"])
    assert str(caught.value).startswith("PYTOMO_PAC_S is no setting: did you mean PYTOMO_PACE_S")
    assert " PYTOMO_QQ is no setting. PYTOMO_VANTAG is no setting: did you mean PYTOMO_VANTAGE" in str(caught.value)


def test_names_that_others_use_are_left_alone() -> None:
    config.check_names(
        ["HOME", "FORGOTTEN_PYTOMO_X", "PYTOMO_YT_DLP", "PYTOMO_DASHBOARD_TOKEN", "PYTOMO_TEST_SEED", *config.BY_NAME]
    )
