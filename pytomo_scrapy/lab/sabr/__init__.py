"""The lab's SABR server: what the service's players speak, over the lab's clips."""

from pytomo_scrapy.measure.sabr.quick_declarations import use_quick_declarations

# Before the first message is declared, in any module of this package.
use_quick_declarations()
