"""`python -m pytomo_scrapy`: the same as `pytomo`."""

from pytomo_scrapy.cli.start import main

# The guard keeps child processes, which import the main module, from running the command again.
if __name__ == "__main__":
    main()
