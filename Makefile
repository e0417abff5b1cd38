# Two commands for a newcomer: `make demo` and `make test`. Both install what they need, from locked versions, inside this folder.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
COMPILE := $(BIN)/uv pip compile --generate-hashes --no-emit-index-url --python-version 3.11 --no-header --quiet

.PHONY: help install demo up test test-long check format bench docs lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): locks/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Enlace needs Python 3.11 or newer as $(PYTHON)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --require-hashes --requirement locks/dev.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation --quiet --editable .
	@touch $@

install: $(STAMP) ## the environment in .venv

demo: $(STAMP) ## two agencies' real files become alerts and reach, reduced, the right recipients
	@$(BIN)/enlace demo

up: $(STAMP) ## a Kafka on this machine with the hub, until Ctrl-C
	@$(BIN)/enlace up

check: $(STAMP) ## types, lint, format, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## everything that must hold, in minutes
	$(BIN)/pytest -m "not long" --numprocesses 3 --dist loadfile --no-loadscope-reorder

test-long: $(STAMP) ## what needs longer
	$(BIN)/pytest -m long --numprocesses 2 --dist worksteal --durations 0

bench: $(STAMP) ## speed, as ratios within one run
	$(BIN)/python -m benchmarks

format: $(STAMP) ## put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## the pages of docs/ that are made from the code
	$(BIN)/python -m hub.cli.pages

lock: $(STAMP) ## locks/*.txt anew from pyproject.toml
	$(COMPILE) pyproject.toml --extra hub --extra console --extra http --group dev --output-file locks/dev.txt
	$(COMPILE) pyproject.toml --extra hub --extra console --extra http --constraint locks/dev.txt --output-file locks/run.txt
	echo hatchling | $(COMPILE) - --constraint locks/dev.txt --output-file locks/build.txt

clean: ## remove what was installed and made
	rm -rf $(VENV) .cache var
