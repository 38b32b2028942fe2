# Everything is installed into ./.venv: exact versions from requirements.lock, then this project,
# editable. The two stamps make a second call quick; a changed lock makes the environment anew.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint bench fuzz install clean

demo: $(INSTALLED)
	$(BIN)/danas-hil demo

# Two processes: many tests wait for programs of their own. A file's tests stay together, as they
# share what is slow to make.
test: lint
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# All of them take hours and the package index: make bench BENCHMARKS="benchmarks/wire.py"
BENCHMARKS ?= $(wildcard benchmarks/[!_]*.py)
bench: $(INSTALLED)
	set -e; for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python "$$script"; done

# The property tests once more, with new random examples and many more of them; then a minute of
# coverage-guided fuzzing of the model reader, from the models in FUZZ_MODELS if there are any.
FUZZ_MODELS ?= ../shared/data/models
FUZZ_CORPUS := $(VENV)/fuzz-corpus
fuzz: $(INSTALLED)
	$(BIN)/pytest -m hypothesis --hypothesis-profile=fuzz
	$(BIN)/python -m pip install --quiet --no-deps atheris
	mkdir -p $(FUZZ_CORPUS)
	-cp -n $(FUZZ_MODELS)/*.tflite $(FUZZ_CORPUS)/
	$(BIN)/python tests/fuzz/fuzz_estimate.py $(FUZZ_CORPUS) -max_total_time=60

install: $(INSTALLED)

$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'danas-hil needs Python 3.11 or newer: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo 'Installing into $(VENV) (once; a few minutes)'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps -r requirements.lock
	touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	touch $@

# runs/ stays: it holds results.
clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find host tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
