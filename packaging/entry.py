"""The executable's main module: child processes start here too, so nothing comes before freeze_support."""

from multiprocessing import freeze_support

if __name__ == "__main__":
    freeze_support()
    import os
    import sys

    # A newer yt-dlp beside the executable, without building it again: PYTOMO_YT_DLP names its zip or folder.
    newer = os.environ.get("PYTOMO_YT_DLP")
    if newer:
        sys.path.insert(0, newer)

    from pytomo_scrapy.cli import main

    main()
