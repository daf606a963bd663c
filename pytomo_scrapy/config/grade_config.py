"""From where on a line is good or poor."""

from __future__ import annotations

from dataclasses import dataclass, fields

from pytomo_scrapy.config.setting import setting
from pytomo_scrapy.config.values import number
from pytomo_scrapy.failures import SettingError


@dataclass(frozen=True, slots=True)
class GradeConfig:
    """Thresholds of the grade in words: good on one side of the first, poor beyond the second, fair between them."""

    started_good_ratio: float = setting(
        "PYTOMO_GRADE_STARTED_GOOD_RATIO",
        0.99,
        "ratio",
        number(0, 1),
        "Share of the sessions that show a picture inside their window from which a line is good",
    )
    started_poor_ratio: float = setting(
        "PYTOMO_GRADE_STARTED_POOR_RATIO",
        0.95,
        "ratio",
        number(0, 1),
        "Share of the sessions that show a picture inside their window below which a line is poor",
    )
    startup_good_s: float = setting(
        "PYTOMO_GRADE_STARTUP_GOOD_S",
        2.0,
        "s",
        number(0),
        "Median startup delay up to which a line is good",
    )
    startup_poor_s: float = setting(
        "PYTOMO_GRADE_STARTUP_POOR_S",
        5.0,
        "s",
        number(0),
        "Median startup delay above which a line is poor",
    )
    stalled_good_ratio: float = setting(
        "PYTOMO_GRADE_STALLED_GOOD_RATIO",
        0.02,
        "ratio",
        number(0, 1),
        "Share of the started sessions with a stall up to which a line is good",
    )
    stalled_poor_ratio: float = setting(
        "PYTOMO_GRADE_STALLED_POOR_RATIO",
        0.05,
        "ratio",
        number(0, 1),
        "Share of the started sessions with a stall above which a line is poor",
    )

    def __post_init__(self) -> None:
        """Raises SettingError where what is poor by one threshold would be good by the other; they may be equal."""
        self._demand_at_most("started_poor_ratio", "started_good_ratio")
        self._demand_at_most("startup_good_s", "startup_poor_s")
        self._demand_at_most("stalled_good_ratio", "stalled_poor_ratio")

    def _demand_at_most(self, lower: str, upper: str) -> None:
        low, high = getattr(self, lower), getattr(self, upper)
        if low > high:
            names = {field.name: field.metadata["setting"].name for field in fields(self)}
            raise SettingError(
                f"{names[lower]}={low:.15g} is not usable: it must be at most {names[upper]}={high:.15g}."
            )
