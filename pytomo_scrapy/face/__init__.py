"""What `import pytomo_scrapy as pytomo` offers to a notebook or a program: pytomo_scrapy/__init__.py says what is promised."""
