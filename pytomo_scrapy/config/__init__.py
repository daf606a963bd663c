"""The PYTOMO_* settings and the frozen configurations that the stages are given: the table, and what a value may be."""

from __future__ import annotations

from pytomo_scrapy.config.table import BY_NAME as BY_NAME
from pytomo_scrapy.config.table import SETTINGS as SETTINGS
from pytomo_scrapy.config.table import Config as Config
from pytomo_scrapy.config.table import DnsConfig as DnsConfig
from pytomo_scrapy.config.table import DownloadConfig as DownloadConfig
from pytomo_scrapy.config.table import EnduranceConfig as EnduranceConfig
from pytomo_scrapy.config.table import NetworkConfig as NetworkConfig
from pytomo_scrapy.config.table import PathConfig as PathConfig
from pytomo_scrapy.config.table import PingConfig as PingConfig
from pytomo_scrapy.config.table import PlaybackConfig as PlaybackConfig
from pytomo_scrapy.config.table import ResolveConfig as ResolveConfig
from pytomo_scrapy.config.table import ResolverConfig as ResolverConfig
from pytomo_scrapy.config.table import Setting as Setting
from pytomo_scrapy.config.table import SourceConfig as SourceConfig
from pytomo_scrapy.config.table import environment as environment
from pytomo_scrapy.config.table import load as load
from pytomo_scrapy.config.table import parse_resolver as parse_resolver
from pytomo_scrapy.config.table import read_setting as read_setting
