# Overround's commands. `make` lists them; each sets up what it needs, and a second run costs nothing.

PYTHON ?= python3
VENV ?= .venv
# Further arguments: `make up ARGS="--followers 1"`, `make test ARGS=tests/house`, `make bench ARGS=machine`.
ARGS ?=
WORLDS ?= 200
PYTEST_WORKERS ?= 2

BIN := $(VENV)/bin
SOURCES := $(wildcard src tests bench)
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet

export PYTHONPATH := $(CURDIR)/src

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up test check sim bench format clean lock debian

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/run.stamp  ## run the whole house on this machine (ARGS="--followers 1")
	@exec $(BIN)/overround up $(ARGS)

test: $(VENV)/dev.stamp  ## run the tests on the real engines (ARGS=tests/house)
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup $(ARGS)

check: $(VENV)/dev.stamp  ## format, lint, types and import contracts
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports

sim: $(VENV)/run.stamp  ## simulate whole houses in hostile worlds (WORLDS=200)
	$(BIN)/overround sim --worlds $(WORLDS) $(ARGS)

bench: $(VENV)/dev.stamp  ## measure (ARGS=name of one benchmark)
	$(BIN)/python -m bench $(ARGS)

format: $(VENV)/dev.stamp  ## put the code into the house's format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

clean:  ## remove the environment and caches, never the data
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests $(wildcard bench) -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: what the house runs on, then what its developers use, exactly as locked.

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Overround needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
		echo "Name another one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/python.stamp requirements/run.txt pyproject.toml
	$(PIP_INSTALL) --require-hashes -r requirements/run.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# What the tests use from Debian, beside Python.

debian:  ## install the Debian packages of requirements/debian.txt that are missing
	@missing=$$(sed 's/#.*//' requirements/debian.txt | while read -r package program; do \
		[ -z "$$package" ] || command -v "$$program" >/dev/null || printf '%s ' "$$package"; done); \
	if [ -z "$$missing" ]; then echo "nothing is missing"; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y --no-install-recommends $$missing; \
	else echo "missing; as root: apt-get install $$missing" >&2; exit 1; fi

# Locks for every Python from 3.11 on and every platform; `uv` must be on the path.

LOCK := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --extra build

lock:  ## resolve the dependencies anew
	$(LOCK) pyproject.toml --output-file requirements/run.txt
	$(LOCK) --extra dev pyproject.toml --constraint requirements/run.txt --output-file requirements/dev.txt
