"""SABR over UMP: how the service's own players fetch media, spoken by a client that measures (docs/sabr.md)."""

from pytomo_scrapy.measure.sabr.quick_declarations import use_quick_declarations

# Before the first message is declared, in any module of this package.
use_quick_declarations()
