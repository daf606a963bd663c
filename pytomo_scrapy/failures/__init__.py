"""The closed vocabulary of failures, the errors that carry it, and the words of refusals."""

from pytomo_scrapy.failures.classes import FAILURES as FAILURES
from pytomo_scrapy.failures.classes import Stage as Stage
from pytomo_scrapy.failures.failure_class import Attribution as Attribution
from pytomo_scrapy.failures.failure_class import FailureClass as FailureClass
from pytomo_scrapy.failures.known_failures import EXHAUSTED as EXHAUSTED
from pytomo_scrapy.failures.known_failures import REFUSALS as REFUSALS
from pytomo_scrapy.failures.known_failures import advice_on as advice_on
from pytomo_scrapy.failures.known_failures import attribution_of as attribution_of
from pytomo_scrapy.failures.known_failures import is_for_good as is_for_good
from pytomo_scrapy.failures.known_failures import is_skip as is_skip
from pytomo_scrapy.failures.known_failures import meaning_of as meaning_of
from pytomo_scrapy.failures.known_failures import was_refused as was_refused
from pytomo_scrapy.failures.raised import AbsentError as AbsentError
from pytomo_scrapy.failures.raised import AwayError as AwayError
from pytomo_scrapy.failures.raised import LineError as LineError
from pytomo_scrapy.failures.raised import MeasurementError as MeasurementError
from pytomo_scrapy.failures.raised import NotReadyError as NotReadyError
from pytomo_scrapy.failures.raised import OtherSchemaError as OtherSchemaError
from pytomo_scrapy.failures.raised import PytomoError as PytomoError
from pytomo_scrapy.failures.raised import RefusedError as RefusedError
from pytomo_scrapy.failures.raised import SettingError as SettingError
from pytomo_scrapy.failures.raised import StorageError as StorageError
from pytomo_scrapy.failures.raised import TooSlowError as TooSlowError
