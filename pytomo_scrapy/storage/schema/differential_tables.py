"""The tables of differential tests. Apart from measurements: no figure of windows may count a pair of names."""

from __future__ import annotations

from pytomo_scrapy.items import DifferentialTest, NamedWindow
from pytomo_scrapy.storage.schema.derive import table_of

differential_test = table_of("differential_test", DifferentialTest, parent="vantage", keys="uuid", unique=("uuid",))

differential_window = table_of(
    "differential_window",
    NamedWindow,
    parent="differential_test",
    keys="pair_number role",
    unique=("pair_number", "role"),
)
