"""Measures one window, and prints its stored figures: FOLDER SECONDS PROBES_PER_S.

Asked for as a command, which is forked with everything imported, inside the namespaces that its environment names.
"""

from __future__ import annotations

import json
import sys

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.items.stored import flat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan

ADDRESS, PORT = "10.77.1.1", 8080

SERVER = f"""
import socket
listener = socket.create_server(("{ADDRESS}", {PORT}))
print(flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: video/mp4\\r\\nContent-Length: 1000000000\\r\\n\\r\\n")
    try:
        while True:
            connection.sendall(bytes(65536))
    except OSError:
        connection.close()
"""


def main(folder: str, window_s: str, probes_per_s: str) -> None:
    """Print the stored figures of a window that takes what ADDRESS sends."""
    media = MediaFormat("muxed", "18", f"http://host.example:{PORT}/v", "host.example", PORT)
    plan = WindowPlan((media,), {"host.example": ADDRESS}, spool_directory=folder)
    config = DownloadConfig(
        window_s=float(window_s),
        mode="bulk",
        loaded_probes_per_s=float(probes_per_s),
        path=PathConfig(is_private_allowed=True),
    )
    sys.stdout.write(json.dumps(flat(download_window(plan, config)), default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
