"""Scrapy commands, thin over the functions they call."""
