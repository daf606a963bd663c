"""Imported by every Python that a test starts, as it starts.

Where aioquic is installed, for the tests' HTTP/3 server, dnspython loads it with all of its cryptography: 0.15 s of
each process that looks names up. None does so over QUIC, and no user gets aioquic from us: the product lets it be.
"""

import gc
import sys

# As `pytomo` itself does: what a start imports is no garbage, and to look through it takes a tenth of the time.
gc.set_threshold(20_000)


class _WithoutQuic:
    def find_spec(self, name, path=None, target=None):
        if name == "dns.quic":
            sys.meta_path.remove(self)
            from dns import _features

            _features.force("doq", False)


sys.meta_path.insert(0, _WithoutQuic())
