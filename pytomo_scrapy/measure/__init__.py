"""The measuring core: no Scrapy, no Twisted, no SQLAlchemy."""
