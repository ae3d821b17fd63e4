# Each target makes or updates the environment first (packaging/setup.py; nothing to do: a fraction of a second).
# Windows without make: the same lines stand in README.md.
PYTHON ?= python3
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench screenshots package clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup:  ## Make the environment (.venv) with every version pinned
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: sudo apt-get install -y python3 python3-venv python3-dev" >&2; exit 1; }
	@$(PYTHON) packaging/setup.py

run: setup  ## Open the window; without a display, walk the whole way in the terminal
	@$(PY) main.py

test: setup  ## Every check: style, types, layers, all tests
	@$(PY) packaging/checks.py all

check: setup  ## The fast half: style, types, layers, tests without the slow ones
	@$(PY) packaging/checks.py fast

# Those that need neither a folder of labelled sets nor a project.
BENCHES := startup bm25_speed mining_selection mining_dense train_speed encode_speed dedup_speed evaluation_speed

bench: setup  ## Measure the parts whose speed matters
	@for name in $(BENCHES); do echo "== $$name"; $(PY) -m benchmarks.$$name || exit 1; done

screenshots: setup  ## Render every page of a finished sample project, light and dark, to docs/screenshots
	@QT_QPA_PLATFORM=offscreen $(PY) -m gui.screenshots docs/screenshots

package: setup  ## Build the folder to hand on (dist/searchsmith) and start it once
	@$(PY) packaging/build.py && $(PY) packaging/smoke.py

clean:  ## Remove everything that was made here, the environment included
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
