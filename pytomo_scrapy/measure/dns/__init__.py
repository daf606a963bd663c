"""DNS probes, and the networks that addresses belong to."""

from contextlib import suppress

# Over QUIC nothing is asked here. Where aioquic is installed (the tests' HTTP/3 server), dnspython would load it and
# all of its cryptography, a third of what a measuring process loads at its start.
with suppress(ImportError, AttributeError):
    from dns import _features

    _features.force("doq", False)
