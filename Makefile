# make demo      the whole road before your eyes, on throwaway state (ONCE=1 ends by itself)
# make test      the tests
# make man       the manual pages, into man/
# make check     lint, types and import rules
# make coverage  the core by branch, from its own tests
# make bench     the pipeline beside its peers; BENCH names another benchmark (benchmarks/README.md)
# make fmt       format the code
# make lock      write the lock files again (needs uv)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONCE ?=
# One more than there are processors: the tests of whole daemons wait for most of their time.
WORKERS ?= $(shell echo $$(($$(nproc) + 1)))
BENCH ?= pipeline

.PHONY: demo man test check coverage bench fmt lock clean

demo: $(VENV)/run.done
	$(BIN)/rostergate demo $(if $(ONCE),--once)

test: $(VENV)/test.done
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

man: $(VENV)/run.done
	$(BIN)/rostergate man man

check: $(VENV)/test.done
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(VENV)/test.done
	$(BIN)/pytest -n $(WORKERS) --cov=rostergate.core --cov-branch --cov-report=term-missing:skip-covered tests/core

bench: $(VENV)/bench.done
	$(BIN)/python benchmarks/$(BENCH).py $(ARGS)

fmt: $(VENV)/test.done
	$(BIN)/ruff check --fix-only --exit-zero
	$(BIN)/ruff format

# The locks are complete, so nothing is left to resolve. Older versions of pip would: they take `coverage[toml]`, which a
# dependency asks for, for another package than the `coverage` that is locked, and fail as soon as a newer one is out.
$(VENV)/run.done: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("rostergate needs Python 3.11 or newer; try: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/test.done: $(VENV)/run.done tests/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement tests/requirements.lock
	touch $@

$(VENV)/bench.done: $(VENV)/test.done benchmarks/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement benchmarks/requirements.lock
	touch $@

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml
lock:
	$(LOCK) --group build --output-file requirements.lock
	$(LOCK) --group build --group dev --output-file tests/requirements.lock --constraint requirements.lock
	$(LOCK) --group build --group dev --group bench --output-file benchmarks/requirements.lock --constraint tests/requirements.lock

clean:
	rm -rf $(VENV) man .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist
