"""The PYTOMO_* settings: their table, the values that they accept, and the frozen configurations of the stages."""

from __future__ import annotations

from pytomo_scrapy.config.alert_config import AlertConfig as AlertConfig
from pytomo_scrapy.config.comparing_configs import ControlConfig as ControlConfig
from pytomo_scrapy.config.comparing_configs import DifferentialConfig as DifferentialConfig
from pytomo_scrapy.config.crawl_configs import Config as Config
from pytomo_scrapy.config.crawl_configs import EnduranceConfig as EnduranceConfig
from pytomo_scrapy.config.crawl_configs import SourceConfig as SourceConfig
from pytomo_scrapy.config.grade_config import GradeConfig as GradeConfig
from pytomo_scrapy.config.resolvers import ResolverConfig as ResolverConfig
from pytomo_scrapy.config.resolvers import parse_resolver as parse_resolver
from pytomo_scrapy.config.setting import Setting as Setting
from pytomo_scrapy.config.stage_configs import DnsConfig as DnsConfig
from pytomo_scrapy.config.stage_configs import DownloadConfig as DownloadConfig
from pytomo_scrapy.config.stage_configs import NetworkConfig as NetworkConfig
from pytomo_scrapy.config.stage_configs import PathConfig as PathConfig
from pytomo_scrapy.config.stage_configs import PingConfig as PingConfig
from pytomo_scrapy.config.stage_configs import PlaybackConfig as PlaybackConfig
from pytomo_scrapy.config.stage_configs import ResolveConfig as ResolveConfig
from pytomo_scrapy.config.stage_configs import StageConfigs as StageConfigs
from pytomo_scrapy.config.table import BY_NAME as BY_NAME
from pytomo_scrapy.config.table import SETTINGS as SETTINGS
from pytomo_scrapy.config.table import check_names as check_names
from pytomo_scrapy.config.table import environment as environment
from pytomo_scrapy.config.table import load as load
from pytomo_scrapy.config.table import read_setting as read_setting
from pytomo_scrapy.config.table import settings_of as settings_of
