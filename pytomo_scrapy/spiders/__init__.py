"""Scrapy spiders: the walk only."""
