"""The signal that a measurement is stored, whatever pipelines behind ours make of its item.

Receivers get `item`, the VideoItem as it was measured. A project's own extension may listen to it too.
"""

from __future__ import annotations

measurement_stored = object()
