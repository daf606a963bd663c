from pytomo_scrapy.face.comparing import compare as compare
from pytomo_scrapy.face.comparing import startup_quantiles as startup_quantiles
from pytomo_scrapy.face.measuring import Measurement as Measurement
from pytomo_scrapy.face.measuring import measure as measure
from pytomo_scrapy.face.opened import Results as Results
from pytomo_scrapy.face.opened import open_results as open
from pytomo_scrapy.face.simulating import simulate as simulate
from pytomo_scrapy.face.unpacked import describe as describe
from pytomo_scrapy.face.unpacked import read_blob as read_blob
from pytomo_scrapy.failures import PytomoError as PytomoError
from pytomo_scrapy.failures import SettingError as SettingError
from pytomo_scrapy.failures import StorageError as StorageError
from pytomo_scrapy.items import PlaybackResult as PlaybackResult
from pytomo_scrapy.items import VideoItem as VideoItem

__version__: str

__all__ = [
    "Measurement",
    "PlaybackResult",
    "PytomoError",
    "Results",
    "SettingError",
    "StorageError",
    "VideoItem",
    "__version__",
    "compare",
    "describe",
    "measure",
    "open",
    "read_blob",
    "simulate",
    "startup_quantiles",
]
