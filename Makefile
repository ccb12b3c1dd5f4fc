# make run     today's service against the plan's (sets up whatever is missing first, as all of these do)
# make test    all tests              make lint    format, lint and type checks
# make app     the app in the browser
# make bench   how fast it is         make format  rewrite the sources in the project's format
# make lock    renew requirements.lock and benchmarks/requirements.lock from pyproject.toml
# make clean   remove the set-up and everything that is generated, but no results
#
# Another Python: make PYTHON=python3.13 test        More test processes: make TEST_PROCESSES=8 test

PYTHON ?= python3
TEST_PROCESSES ?= 2
UV_REQUIREMENT = uv>=0.9

SHELL = /bin/sh
PY = .venv/bin/python
UV = .venv/bin/uv

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run app test lint format bench lock clean

run: .venv/.compiled
	@$(PY) -m sim.front_door

app: .venv/.compiled
	@.venv/bin/linli app

test: .venv/.compiled
	@$(PY) -m pytest -n $(TEST_PROCESSES) --dist worksteal tests

lint: .venv/.ready
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

format: .venv/.ready
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: .venv/.compiled .venv/.bench-ready
	@.venv/bin/linli bench

# uv does not read pip's settings. Where pip is told to use another index or certificate, uv is told the same.
define uv_follows_pip
pip_setting() { $(PY) -m pip config list 2>/dev/null | sed -nE "s/^(:env:|global|install)\.$$1='(.*)'\$$/\2/p" | head -n 1; }; \
index=$${UV_DEFAULT_INDEX:-$${UV_INDEX_URL:-$$(pip_setting index-url)}}; \
certificate=$${SSL_CERT_FILE:-$$(pip_setting cert)}; \
if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
if [ -n "$$certificate" ]; then export SSL_CERT_FILE="$$certificate"; fi; \
export UV_PYTHON_DOWNLOADS=never; \
if [ ! -t 2 ]; then export UV_NO_PROGRESS=1 quiet=--quiet; fi
endef

# Two stamps, each written last, so that an interrupted set-up is done again. They hold the folder's name: a folder that
# was moved or copied is set up anew, since scripts in a virtual environment know where they are.
ifneq "$(shell cat .venv/.uv-ready 2>/dev/null)" "$(CURDIR)"
.PHONY: .venv/.uv-ready
endif

.venv/.uv-ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Linli needs Python 3.11 or newer, and '$(PYTHON)' is not: name another one with 'make PYTHON=/path/to/python3 ...'." >&2; \
	    exit 1; }
	@echo "set-up 1/5: virtual environment in .venv"
	@$(PYTHON) -m venv --clear .venv
	@echo "set-up 2/5: uv, which installs the rest"
	@$(PY) -m pip install -qq --disable-pip-version-check '$(UV_REQUIREMENT)'
	@pwd -P > $@

.venv/.ready: .venv/.uv-ready requirements.lock pyproject.toml
	@echo "set-up 3/5: the packages in requirements.lock (the first time on a machine, they are downloaded)"
	@$(uv_follows_pip); \
	    $(UV) pip sync --python $(PY) $$quiet --require-hashes --compile-bytecode requirements.lock
	@echo "set-up 4/5: linli itself"
	@$(uv_follows_pip); \
	    $(UV) pip install --python $(PY) $$quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The engine is compiled once per machine and kept on disk; only a change of its sources compiles it anew.
.venv/.compiled: .venv/.ready sim/draws.py $(wildcard sim/service/*.py)
	@echo "set-up 5/5: compiling the engine (about half a minute, once)"
	@.venv/bin/linli run mmc --days 2 --replications 1 --json > .venv/.compiling
	@mv .venv/.compiling $@

# The simulators that the bench compares with come on top; setting up .venv/.ready anew takes them out again.
.venv/.bench-ready: .venv/.ready benchmarks/requirements.lock
	@echo "set-up for the bench: the simulators in benchmarks/requirements.lock"
	@$(uv_follows_pip); \
	    $(UV) pip install --python $(PY) $$quiet --require-hashes --compile-bytecode -r benchmarks/requirements.lock
	@touch $@

lock: .venv/.uv-ready
	@$(uv_follows_pip); \
	    $(UV) lock --python $(PY) --upgrade && \
	    $(UV) export --frozen --quiet --all-groups --no-group bench --no-emit-project --output-file requirements.lock && \
	    $(UV) export --frozen --quiet --only-group bench --no-emit-project --output-file benchmarks/requirements.lock

clean:
	rm -rf .venv build *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name .git -prune -o \( -name __pycache__ -o -name '*.nb[ic]' \) -prune -exec rm -rf {} +
