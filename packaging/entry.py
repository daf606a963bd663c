"""The executable's main module: child processes start here too, so nothing comes before freeze_support."""

from multiprocessing import freeze_support

if __name__ == "__main__":
    freeze_support()
    from pytomo_scrapy.cli.start import main

    main()
