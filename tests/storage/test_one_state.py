"""What a command reads is of one state of the database, also while a crawl writes into it."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import func, insert, select

from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.reading import open_for_reading
from pytomo_scrapy.storage.schema.crawl_tables import vantage


def test_reader_sees_nothing_of_what_is_written_meanwhile(each_database: Database) -> None:
    url = each_database.engine.url.render_as_string(hide_password=False)
    counting = select(func.count()).select_from(vantage)
    with closing(open_for_reading(url)) as database:
        with database.read() as reader:
            before = reader.execute(counting).scalar_one()
            with each_database.write() as writer:
                writer.execute(insert(vantage).values(name="meanwhile", provider=""))
            assert reader.execute(counting).scalar_one() == before
        with database.read() as reader:
            assert reader.execute(counting).scalar_one() == before + 1
