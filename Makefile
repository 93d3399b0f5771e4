# Two commands on a fresh machine with Python 3.11 or newer: `make solve` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

solve: .venv/ready          ## solve the national day, store the run, write its report
	$(BIN)/computegrid solve day

test: .venv/ready           ## lint, types, tests (under ten minutes)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-all: .venv/ready       ## also the tests marked slow
	$(BIN)/python -m pytest -n 2 --dist loadfile -m ''

bench: .venv/ready          ## times, memory and gaps, side by side; the estimators beside their peers (over an hour)
	$(BIN)/python benchmarks/solve.py
	$(BIN)/python benchmarks/scenarios20.py
	$(BIN)/python benchmarks/linopy_day.py
	$(BIN)/python benchmarks/year.py
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/econometrics.py --peers --million

docs: .venv/ready           ## print docs/mathematics.md and docs/data.md anew from the code and the facts
	$(BIN)/python -m optimizer.docs

lock:                       ## resolve the versions anew and write requirements.lock
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet '.[test]'
	.venv-lock/bin/pip freeze --exclude computegrid > requirements.lock
	rm -rf .venv-lock

.venv/ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.PHONY: solve test test-all bench docs lock
