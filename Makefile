# Each target sets up what it needs. `make` alone says what there is.
PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
BIN := $(VENV)/bin
SETUP := $(VENV)/.complete
# A worker a core, each with one thread: small products gain nothing from two.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist worksteal

.PHONY: help setup run test test-long check smoke reproduce bench evidence golden clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(SETUP) ## the environment in .venv; TORCH_INDEX=URL for another build of torch

# torch goes first and pinned: an open range would bring the build with all of CUDA.
$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gfopt needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: setup ## the digits race: a table and a picture in a minute
	$(BIN)/gfopt run

test: setup ## the quick tests; those on real data too where GFOPT_DATA names it
	$(PYTEST) -m "not long"

test-long: setup ## the long tests: the published counts on real data
	$(PYTEST) -m long

check: setup ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

smoke: setup ## every command once, offline, into a temporary folder
	BIN=$(BIN) sh scripts/smoke.sh

reproduce: setup ## what of each published claim stands, on the real data: results/reproduction.md
	$(BIN)/gfopt reproduce

bench: setup ## how fast each code path is here: results/bench_cpu.md
	$(BIN)/gfopt bench --out results/bench_cpu.md

evidence: setup ## rules against their controls and each other, tuned alike: results/controls.md, leaderboard.md
	BIN=$(BIN) sh scripts/evidence.sh

golden: setup ## record the epoch counts of tests/golden anew, on purpose
	$(BIN)/python -m tests.golden.record

clean: ## what tools leave behind; not results, not .venv
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
