# Everything that a newcomer types. Both main targets set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test quick check documents schema lab lock pin-images executable try-executable docs clean

demo: $(VENV)/installed
	$(BIN)/pytomo lab --world demo crawl -t week -u 7 -r 2 -D 6 -S 0 --database databases/demo.db
	$(BIN)/pytomo report --database databases/demo.db
	@echo 'The results are in databases/demo.db. This shows them in a browser: $(BIN)/pytomo serve -f databases/demo.db'

test: $(VENV)/installed-dev check
	# Once, and not at every start of the hundreds of crawls below, where Python is told to write no bytecode.
	$(BIN)/python -m compileall -q pytomo_scrapy
	# Most tests wait for windows to pass, so that several files run at once. What bounds a time closely (the mark
	# `alone`) follows, two files at once. All measure real time over real sockets: what fails beside others is tried
	# again at the end with nothing beside it, which is shown. Bytecode of the tests is kept: pytest would rewrite each
	# of them at each start.
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest --workers 4 --retries 2

# On every save: the tests that start no process and open no socket
quick: $(VENV)/installed-dev
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest --quick -q --workers 2

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The reference tables of the documents, from the code
documents: $(VENV)/installed
	$(BIN)/python -m docs.generate

# After a field of a stored result was added, with its meaning: the migration, to be read before it is kept, documents and pictures
# (MESSAGE is what the migration says of itself)
MESSAGE ?= Add columns
schema: $(VENV)/installed-dev
	$(BIN)/python -m pytomo_scrapy.storage.schema.revisions '$(MESSAGE)'
	$(BIN)/ruff format --quiet pytomo_scrapy/storage/migrations
	$(BIN)/python -m docs.generate
	$(BIN)/python docs/diagrams/draw.py

lab: $(VENV)/installed
	$(BIN)/scrapy lab serve

# The versions and hashes of everything in the image and the executable, from requirements.txt and pyproject.toml.
# Pins stay as they are where they can; LOCK=--upgrade takes the newest, LOCK='--upgrade-package yt-dlp' one of them.
LOCK ?=
lock: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.5'
	packaging/locks/lock.sh $(abspath $(BIN))/uv $(LOCK)

# The digests of the images that deploy/compose builds on. Needs Docker.
pin-images:
	deploy/compose/pin_images.sh

# One file that needs no Python, for machines like this one: dist/pytomo. From the lock, in an environment of its own
LOCKED := $(VENV)-executable
executable:
	$(PYTHON) -m venv --clear $(LOCKED)
	$(LOCKED)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement packaging/locks/executable.txt
	$(LOCKED)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(LOCKED)/bin/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build packaging/pytomo.spec

# As on a bare machine: alone in an empty root directory, without Python. As root.
try-executable: dist/pytomo
	$(BIN)/python packaging/try_alone.py dist/pytomo

docs: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/mkdocs build --strict

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || (echo "python3-venv is missing: apt-get install python3-venv"; exit 1)

$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-dev: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,postgres,scrapyd]'
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) $(LOCKED) build dist *.egg-info
