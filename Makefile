# Everything happens in .venv; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-faults bench lint format clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Nightshift needs Python 3.11 to 3.13 (TensorFlow has no wheel for others yet): make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.worker: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[worker]'
	@touch $@

$(VENV)/.dev: $(VENV)/.worker
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[worker,dev]'
	@touch $@

demo: $(VENV)/.worker  ## score data/messages.csv with the shipped model; prints the receipt
	$(BIN)/producer enqueue data/messages.csv

test: $(VENV)/.dev  ## the tests: real server, real workers (under six minutes)
	$(BIN)/python -m pytest -m 'not slow' -n 4  # they wait more than they compute

test-faults: $(VENV)/.dev  ## every fault, for real: kills, outages, floods, poison (some twenty minutes)
	$(BIN)/python -m pytest tests/faults

test-all: $(VENV)/.dev  ## the tests and their slow variants; faults where workers read for themselves, packed and piped; users and TLS
	$(BIN)/python -m pytest
	$(BIN)/python -m pytest tests/faults --by-reference
	for form in gzip stdin; do \
	  $(BIN)/python -m pytest tests/faults/test_producer.py tests/faults/test_server.py tests/faults/test_workers.py \
	    tests/faults/test_network.py tests/faults/test_messages.py --form $$form || exit 1; done
	$(BIN)/python -m pytest tests/end_to_end tests/faults -m 'not slow' --acl --tls

# The peers have an environment of their own: Beam can't live with our newest protobuf and pyarrow.
BENCH ?= compare
.venv-bench/.bench: pyproject.toml benchmarks/constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -c benchmarks/constraints.txt -e '.[worker,bench]'
	@touch $@

bench: .venv-bench/.bench  ## Nightshift beside its peers, for hours; BENCH='compare --rows 1e5 --rounds 1' in minutes
	.venv-bench/bin/python -m benchmarks $(BENCH)

lint: $(VENV)/.dev  ## ruff, mypy and the arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove .venv, caches and the embedded server's state
	rm -rf $(VENV) .venv-bench .nightshift .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
