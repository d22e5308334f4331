# Each target prepares what it needs: a virtual environment with the locked dependencies, and for
# the tests a browser. A machine needs Python 3.11 or newer, and make.

ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
endif
ifeq ($(PYTHON),)
$(error Entrepot needs Python 3.11 or newer, and none of python3, python3.13, python3.12, python3.11, python is one: install it, or name it with make PYTHON=/path/to/python)
endif

BIN := .venv/bin
SETUP := @$(PYTHON) tools/setup.py
CHECKED := src tests tools $(wildcard conftest.py benchmarks rehearsal)
TEMPLATES = $(shell find src -name '*.html' -path '*/templates/*')
ARGS ?=
# Tests start programs by the hundred, each of which would else be compiled anew.
unexport PYTHONDONTWRITEBYTECODE

# On two cores: much of their time is spent waiting for servers, workers and browsers, and one of them
# waits for minutes while a hub is killed again and again.
TESTS_AT_ONCE ?= 4

.PHONY: help demo up test check format rehearse rehearse-one rehearse-tests rehearse-mutations fuzz docs bench bench-soak shots picture lock migrations clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-12s %s\n' "$$name" "$$text"; done

demo: ## run the hub with a sandbox and 200 orders (ARGS="--orders 200 --exit --json")
	$(SETUP) runtime
	@$(BIN)/entrepot demo $(ARGS)

up: ## run the hub
	$(SETUP) runtime
	@$(BIN)/entrepot up $(ARGS)

test: ## run every test (ARGS=tests/journeys runs one folder)
	$(SETUP) dev
	@chromium="$$($(BIN)/python tools/browser.py)" && ENTREPOT_CHROMIUM="$$chromium" $(BIN)/pytest -n $(TESTS_AT_ONCE) --dist worksteal $(ARGS)

check: ## run every static check
	$(SETUP) dev
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/typos
	$(BIN)/lint-imports
	@echo "djade, djlint: $(words $(TEMPLATES)) templates"
	@$(if $(TEMPLATES),$(BIN)/djade --check --target-version 5.2 $(TEMPLATES))
	@$(if $(TEMPLATES),$(BIN)/djlint --lint --quiet $(TEMPLATES))
	$(BIN)/mypy
	$(BIN)/pytest -q -p no:randomly tests/test_house_*.py

format: ## let the formatters rewrite what they can
	$(SETUP) dev
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)
	$(if $(TEMPLATES),$(BIN)/djade --target-version 5.2 $(TEMPLATES))

rehearse: ## prove it under kills, liars and mistakes, with twenty seeds (ARGS="--orders 500")
	$(SETUP) dev
	@for seed in $$(seq 1 20); do $(BIN)/entrepot rehearse --faults heavy --seed $$seed --json $(ARGS) || exit 1; done

rehearse-one: ## one such run (ARGS="--orders 2000 --faults heavy --seed 7")
	$(SETUP) dev
	@$(BIN)/entrepot rehearse --json $(ARGS)

rehearse-tests: ## the rehearsals with a fault put in that a test judges
	$(SETUP) dev
	@$(BIN)/pytest -m rehearsal tests/rehearsal $(ARGS)

fuzz: ## 100,000 broken payloads per platform, and every operation of both interfaces
	$(SETUP) dev
	FUZZ_PAYLOADS=$${FUZZ_PAYLOADS:-100000} FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-200} $(BIN)/pytest -n 2 --dist worksteal --maxfail 0 tests/fuzz $(ARGS)

rehearse-mutations: ## put faults into the hub, each of which a rehearsal has to find
	$(SETUP) dev
	@$(BIN)/python -m rehearsal.mutations $(ARGS)

docs: ## write the pages that repeat what the code says
	$(SETUP) dev
	@$(BIN)/python -m tools.write_docs

bench: ## measure the figures of docs/benchmarks.md (ARGS=--list names them)
	$(SETUP) dev
	@$(BIN)/python -m benchmarks $(ARGS)

bench-soak: ## load a hub for an hour and watch its memory (ARGS=minutes=5)
	$(SETUP) dev
	@$(BIN)/python -m benchmarks soak $(ARGS)

shots: ## photograph every page into shots/
	$(SETUP) dev
	@chromium="$$($(BIN)/python tools/browser.py)" && ENTREPOT_CHROMIUM="$$chromium" $(BIN)/python -m tests.browser.shots $(ARGS)

picture: ## take the picture of the README anew
	$(SETUP) dev
	@chromium="$$($(BIN)/python tools/browser.py)" && ENTREPOT_CHROMIUM="$$chromium" $(BIN)/python -m tests.browser.shots -k readme
	@cp shots/readme.png docs/images/home.png

lock: ## rewrite the lock files from pyproject.toml (ARGS="--upgrade" for newer versions)
	@$(PYTHON) tools/setup.py lock $(ARGS)

migrations: ## write the migration that a changed model lacks (ARGS="orders -n line_discount")
	$(SETUP) dev
	@$(BIN)/django-admin makemigrations --settings entrepot.config.settings $(ARGS)

clean: ## remove what the other targets made, but not the data folder
	rm -rf .venv dist shots .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
