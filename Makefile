# Each target sets up what it needs. `make` alone lists the targets.
PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
BIN := $(VENV)/bin
SETUP := $(VENV)/.complete
KERNELS := $(VENV)/.kernels
# One worker per core with one thread each: small products gain nothing from two threads.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist worksteal

.PHONY: help setup kernels run test test-long test-nightly check reproduce bench evidence golden clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(SETUP) ## the environment in .venv; TORCH_INDEX=URL for another build of torch

# torch is installed first and pinned: an open range would bring the build with all of CUDA.
$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gfopt needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: setup ## the digits experiment: a table and a figure in a minute
	$(BIN)/gfopt run

kernels: $(KERNELS)-all ## compile all kernels into the user cache

$(KERNELS)-%: $(SETUP) $(wildcard gfopt/numerics/kernels/*.py) tests/compile_kernels.py
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.compile_kernels $*
	@touch $(KERNELS)-quick $@

test: $(KERNELS)-quick ## the quick tests, also those on real data if GFOPT_DATA is set
	$(PYTEST) -m "not long and not nightly"

test-long: $(KERNELS)-all ## the published counts on real data, and every command of the documents
	$(PYTEST) --dist load -m "long and not nightly"

test-nightly: $(KERNELS)-all ## simulations, repeats and all combinations: more than half an hour
	$(PYTEST) -m nightly

check: setup ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

reproduce: setup ## judge the published claims on the real data: results/reproduction.md
	$(BIN)/gfopt reproduce

bench: setup ## time each backend on this machine: results/bench_cpu.md
	$(BIN)/gfopt bench --out results/bench_cpu.md

evidence: setup ## optimizers against controls and each other, all tuned at equal cost: results/controls.md, leaderboard.md
	BIN=$(BIN) sh scripts/evidence.sh

golden: setup ## record the epoch counts of tests/golden again, on purpose
	$(BIN)/python -m tests.golden.record

clean: ## remove what tools leave behind, but neither results nor .venv
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
