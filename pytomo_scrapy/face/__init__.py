"""What `import pytomo_scrapy as pytomo` offers to notebooks and programs; the package's `__all__` is the promise."""
