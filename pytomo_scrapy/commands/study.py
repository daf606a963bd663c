"""`pytomo study`: a comparison that is planned before it is made, run from its plan, and accounted for."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.commands.crawl import Command as ScrapyCrawl

from pytomo_scrapy.commands import EXIT_FAILED, refuse
from pytomo_scrapy.commands.crawl import Command as CrawlCommand
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items.foreign_text import printable

if TYPE_CHECKING:
    from pytomo_scrapy.config import Config
    from pytomo_scrapy.crawl.study_crawl import StudyCrawl
    from pytomo_scrapy.storage.database import Database
    from pytomo_scrapy.storage.study_store import Look, StoredStudy
    from pytomo_scrapy.studies.study_plan import Arm, StudyPlan

    _ArmsHere = tuple[Sequence[Arm], Mapping[str, Config]]

_ACTIONS = ("new", "run", "status", "report")


class Command(CrawlCommand):
    """Exit codes: as `scrapy crawl`; with one sentence 2 for a plan that is not usable, 3 for one that is not there."""

    def syntax(self) -> str:
        return "[options] new|run|status|report FILE.toml"

    def short_desc(self) -> str:
        return "Plan a comparison, measure it, and account for it"

    def long_desc(self) -> str:
        return (
            f"{self.short_desc()}. `new` writes a plan to be changed, or freezes the one that is there and says which "
            "power it promises; `run` measures, and goes on where it was stopped; `status` says how far it is, and "
            "nothing of the outcome; `report` says what was planned, done and found, and is kept as a look."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--change", metavar="WHY", help="go on with a changed plan as its next version")
        parser.add_argument("--json", action="store_true", help="print status or report as one JSON object")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 2 or args[0] not in _ACTIONS:
            refuse(f"Say what to do with which plan: pytomo study {'|'.join(_ACTIONS)} FILE.toml")
        self._action, self._path = args
        if self._action == "run":
            super().process_options(args, opts)
            return
        # Past the crawl's own check, which would take the line and wait for the database: these measure nothing.
        self.requires_crawler_process = False
        ScrapyCrawl.process_options(self, args, opts)

    def _spider(self, args: list[str], opts: argparse.Namespace) -> str:
        """Freeze the plan, and give the spider what it needs of it."""
        assert self.settings is not None
        # Before there is a database: a plan that cannot be read or measured here leaves none behind.
        written = self._plan()
        with self.refusals():
            here = self._arms_here(written[0])
        with self._database_for(written[0], opts.change) as database:
            opts.spargs["_study"] = self._begin(database, self._frozen(database, written, opts.change), here)
        # A video's arms follow each other: the next video waits.
        self.settings.set("PYTOMO_FRONTIER_AHEAD", 1, "cmdline")
        return "study"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if self._action == "run":
            self._crawl(self._create_crawler("study"), opts.spargs)
        elif self._action == "new":
            self._new(opts.change)
        else:
            self._show(is_json=opts.json)

    def _plan(self) -> tuple[StudyPlan, str]:
        from pytomo_scrapy.studies.plan_file import read_plan

        with self.refusals():
            try:
                return read_plan(self._path)
            except OSError as error:
                refuse(f"The plan {self._path} cannot be read: {error.strerror}.", EXIT_FAILED)

    def _vantage(self) -> str:
        return self.load_config().vantage or platform.node()

    def _new(self, change_reason: str | None) -> None:
        from pytomo_scrapy.studies.plan_template import PLAN_TEMPLATE

        path = Path(self._path)
        if not path.exists():
            try:
                path.write_text(PLAN_TEMPLATE, encoding="utf-8")
            except OSError as error:
                refuse(f"{path} cannot be written: {error.strerror}.", EXIT_FAILED)
            print(f"A plan to be changed is in {path}. Then: pytomo study new {path}")
            return
        written = self._plan()
        with self._database_for(written[0], change_reason) as database:
            self._say_frozen(self._frozen(database, written, change_reason))

    def _database_for(self, plan: StudyPlan, change_reason: str | None) -> AbstractContextManager[Database]:
        """Open the database that a plan is frozen in: a new one where the plan needs nothing that is stored."""
        is_begun_anew = change_reason is None and bool(plan.panel.videos)
        return self.opened_database() if is_begun_anew else self.existing_database()

    def _arms_here(self, plan: StudyPlan) -> _ArmsHere:
        """Return what this machine measures of a plan. Raises SettingError where that is nothing."""
        from pytomo_scrapy.studies.arm_settings import config_of_arm

        assert self.settings is not None
        vantage = self._vantage()
        if arms := plan.arms_of(vantage):
            return arms, {arm.name: config_of_arm(self.settings.get, plan, arm) for arm in arms}
        names = ", ".join(str(arm.vantage) for arm in plan.arms)
        raise SettingError(
            f"The plan of {plan.name!r} has no arm for {vantage!r}: PYTOMO_VANTAGE must be one of {names}."
        )

    def _frozen(self, database: Database, written: tuple[StudyPlan, str], change_reason: str | None) -> StoredStudy:
        from pytomo_scrapy.analysis.studies.freezing import freeze_plan

        return freeze_plan(database, *written, self._vantage(), change_reason)

    def _say_frozen(self, study: StoredStudy) -> None:
        from pytomo_scrapy.analysis.studies.freezing import power_sentence

        newest = study.newest
        print(f"Study {study.name}, version {newest.version}: {newest.planned_count} measurements.")
        print(f"Hash: {newest.plan_hash}")
        print(f"Power: {power_sentence(newest)}")

    def _begin(self, database: Database, study: StoredStudy, here: _ArmsHere) -> StudyCrawl:
        """Return the plan as this machine follows it. Raises SettingError where it has nothing to measure."""
        from pytomo_scrapy.crawl.study_crawl import StudyCrawl, crawl_name_of
        from pytomo_scrapy.storage.frontier.crawls import reopen_rounds
        from pytomo_scrapy.storage.study_store import note_start
        from pytomo_scrapy.studies.study_plan import read_back

        frozen, vantage = read_back(study.newest.plan_json), self._vantage()
        if study.end_reason is not None or not reopen_rounds(
            database, crawl_name_of(study.name), vantage, frozen.plan.schedule.rounds
        ):
            raise SettingError(f"The study {study.name!r} is over here: pytomo study report {self._path} shows it.")
        # Behind what may still refuse without a trace, since it leaves a crawl of this machine behind.
        self._refuse_second_machine(database, study, frozen.plan)
        started_at = note_start(database, study.id)
        self._tell(study)
        return StudyCrawl(study.id, study.newest.version, frozen, vantage, *here, started_at)

    def _refuse_second_machine(self, database: Database, study: StoredStudy, plan: StudyPlan) -> None:
        """Raise SettingError where another machine measures an arm that names none: its rows would count twice."""
        from pytomo_scrapy.crawl.study_crawl import crawl_name_of
        from pytomo_scrapy.storage.frontier.crawls import hold_alone

        if all(arm.vantage is not None for arm in plan.arms):
            return
        if others := hold_alone(database, study.id, crawl_name_of(plan.name), self._vantage()):
            raise SettingError(
                f"The study {plan.name!r} is measured at {others[0]!r}, and its plan names no `vantage` for every arm: "
                f"only that machine may go on (PYTOMO_VANTAGE={others[0]}), or give each arm its own."
            )

    def _tell(self, study: StoredStudy) -> None:
        from pytomo_scrapy.analysis.studies.freezing import power_sentence

        newest = study.newest
        sys.stderr.write(f"Study {printable(study.name)}, version {newest.version}, plan {newest.plan_hash[:12]}\n")
        sys.stderr.write(f"Power: {power_sentence(newest)}\n")

    def _show(self, *, is_json: bool) -> None:
        from pytomo_scrapy.analysis.studies.account import account_of
        from pytomo_scrapy.analysis.studies.study_standing import look_again
        from pytomo_scrapy.reporting.study_text import account_sections, look_section, section_lines, study_values

        plan, _ = self._plan()
        look: Look | None = None
        with self.existing_database() as database:
            study = self._stored(database, plan.name)
            if self._action == "report":
                # Kept: the account of it and of all later ones says that it was taken.
                look, _ = look_again(database, study, self._vantage())
                study = self._stored(database, plan.name)
            with database.read() as connection:
                account = account_of(connection, study)
        if is_json:
            print(json.dumps(study_values(study, account, look), default=str))
            return
        found = [look_section(look)] if look is not None else []
        for line in section_lines(study.name, [*account_sections(account), *found]):
            print(printable(line))
        self._warn_of_other_plan(study, plan)

    def _stored(self, database: Database, name: str) -> StoredStudy:
        from pytomo_scrapy.storage.study_store import read_study

        with database.read() as connection:
            study = read_study(connection, name)
        if study is None:
            refuse(
                f"No plan of {name!r} is frozen in this database: pytomo study run {self._path} begins it.", EXIT_FAILED
            )
        return study

    def _warn_of_other_plan(self, study: StoredStudy, plan: StudyPlan) -> None:
        from pytomo_scrapy.studies.study_plan import read_back, written

        if written(read_back(study.newest.plan_json).plan) != written(plan):
            sys.stderr.write(f"{self._path} is not the plan in force, which is version {study.newest.version}.\n")
