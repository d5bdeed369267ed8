# Everything here needs only Python 3.11 or later (with venv and pip) and make.
# Use another interpreter with: make PYTHON=python3.12 test

PYTHON ?= python3
JOBS ?= auto
VENV := .venv
BIN := $(VENV)/bin
# What running, testing and checking need is installed as far as it is needed.
MADE := $(VENV)/.made
RUN := $(VENV)/.runs
TEST := $(VENV)/.tests
CHECK := $(VENV)/.checks
COMPILED := $(VENV)/.compiled
# JAX compiles for minutes what the tests then run for seconds. These halve it, for the version that
# constraints.txt pins; what one process has compiled the others, and the next run, find in a folder.
QUICK_JAX := XLA_FLAGS="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true \
    --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1" \
    JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV))/.jax JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0
# The engine is compiled first, its parts side by side, or every process of the tests would do it.
# It needs little, so that a second core does so while the first installs the rest.
COMPILE := for part in training double naming; do \
    $(BIN)/python -c "from spurious.train import warm; warm.$$part()" & \
    done
COMPILE_CHANGED := test -e $(COMPILED) && test -z "$$(find src -name '*.py' -newer $(COMPILED))" \
    || { $(COMPILE); wait; touch $(COMPILED); }
# Not compiling what may never be imported halves the time of an installation.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

# Where this is set, every one of hundreds of processes compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install reproduce test coverage lint bench docs clean

help:
	@echo "make install     install into $(VENV) what the commands need"
	@echo "make reproduce   rebuild every claim of the paper (options: ARGS='--budget standard')"
	@echo "make test        run the tests on the available cores (JOBS=2 for two)"
	@echo "make coverage    run the tests and print what they do not reach"
	@echo "make lint        check formatting, lint rules and types"
	@echo "make bench       run the benchmarks"
	@echo "make docs        build the documentation's site in docs/_build"
	@echo "make clean       remove the virtual environment and build output"

install: $(RUN)

# What testing needs is more than what running needs, and does for it.
reproduce: $(if $(wildcard $(TEST)),$(TEST),$(RUN))
	@$(BIN)/spurious reproduce $(ARGS)

test: $(TEST)
	@$(COMPILE_CHANGED)
	@OPENBLAS_NUM_THREADS=1 $(QUICK_JAX) $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

coverage: $(TEST)
	@$(PIP) --no-build-isolation -e '.[coverage]'
	@OPENBLAS_NUM_THREADS=1 $(QUICK_JAX) $(BIN)/python -m pytest -n $(JOBS) --cov $(ARGS)

lint: $(CHECK)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

bench: $(TEST)
	@$(PIP) --no-build-isolation -e '.[bench]'
	@set -e; for file in benchmarks/*.py; do \
	    test -e "$$file" || { echo "No benchmarks yet."; break; }; \
	    echo "== $$file"; $(BIN)/python "$$file" $(ARGS); \
	done

docs: $(TEST)
	@$(PIP) --no-build-isolation -e '.[docs]'
	@$(BIN)/python -m sphinx -q -n -W --keep-going -b html docs docs/_build
	@echo "Open docs/_build/index.html"

clean:
	@rm -rf $(VENV) build dist docs/_build docs/reference .pytest_cache .ruff_cache .hypothesis
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"$(PYTHON) is Python {v[0]}.{v[1]}, but spurious needs 3.11 or later; try: make PYTHON=python3.12")'
	@echo "Installing into $(VENV) the versions that constraints.txt pins (about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) hatchling editables
	@touch $@

$(RUN): $(MADE)
	@$(PIP) --no-build-isolation -e '.[large,explore]'
	@touch $@
	@echo "Installed."

$(TEST): $(MADE)
	@$(PIP) --no-build-isolation -e .
	@echo "Installing what the tests need, and compiling the engine meanwhile ..."
	@$(COMPILE); $(PIP) --no-build-isolation -e '.[test]' && wait
	@touch $(RUN) $@ $(COMPILED)
	@echo "Installed."

$(CHECK): $(TEST)
	@echo "Installing what checks formatting and types ..."
	@$(PIP) --no-build-isolation -e '.[dev]'
	@touch $@
