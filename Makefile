# What there is to do here. `make help` prints it. Needs make and Python 3.11 or newer; everything else it gets by itself.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: bench bench-quick fuzz help run demo holdproof chaos chaos-callbacks soak test test-older lint check format lock sbom clean

# The first Python that can make virtual environments; else the first that is new enough, to say what it lacks.
first = $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$p -c 'import sys$(1); sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
PYTHON ?= $(call first,$(comma) ensurepip$(comma) venv)
comma := ,
VENV := .venv
BIN := $(VENV)/bin
SITE ?= site
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet

help:  ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: $(VENV)/.run  ## from nothing to a ringing phone: an example site in ./site on the first run (BASE_PORT, 5060), then Asterisk and the daemon
	@if [ ! -f $(SITE)/callhandler.toml ]; then \
		$(BIN)/callhandler init --json $(if $(BASE_PORT),--base-port $(BASE_PORT)) $(SITE) >/dev/null && echo "A new site is in $(SITE)."; \
	elif [ -n "$(BASE_PORT)" ]; then echo "The site in $(SITE) has its ports already: see $(SITE)/callhandler.toml"; exit 1; fi
	@exec $(BIN)/callhandler up --site $(SITE)

demo: $(VENV)/.run  ## watch it work: driven callers and agents, and what SIP saw beside what the journal says
	@exec $(BIN)/callhandler demo

test: $(VENV)/.dev  ## all tests: unit, edge, live (a real Asterisk, real SIP phones; fetched first)
	@$(BIN)/python -m callhandler.asterisk.pbx.get lab
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not live' tests/unit tests/edge tests/chaos tests/fuzz
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m live tests/live tests/chaos

test-older: $(VENV)/.dev  ## the live tests on Asterisk 16, Debian 11's (fetched first): docs/compatibility.md
	@$(BIN)/python -m callhandler.asterisk.pbx.get lab
	@CALLHANDLER_ASTERISK=16 $(BIN)/python -m callhandler.asterisk.pbx.get asterisk
	@CALLHANDLER_ASTERISK=16 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m live tests/live tests/chaos $(ARGS)

holdproof: $(VENV)/.dev  ## a caller waits at the real 60 and 90 seconds, and what is heard is compared with the journal (4.5 minutes)
	@$(BIN)/python -m callhandler.asterisk.pbx.get lab
	@$(BIN)/python -m bench.hold_proof

chaos: $(VENV)/.dev chaos-callbacks  ## the daemon, its links, its neighbours, its journal and its clock struck, with calls in every state: N rounds (30), CHAOS_SEED
	@CHAOS_LONG=1 CHAOS_ROUNDS=$${N:-30} $(BIN)/python -m pytest tests/chaos tests/unit/store/test_faults.py

soak: $(VENV)/.dev  ## calls as in life for an hour, 10 a second: nothing failed, grown or left over; MINUTES (60; 8 at least), SEED (1)
	@$(BIN)/python -m callhandler.asterisk.pbx.get lab
	@$(BIN)/python -m bench.soak --minutes $${MINUTES:-60} --seed $${SEED:-1} $(ARGS)

fuzz: $(VENV)/.dev  ## every parser of outside input on N bred inputs (1000000; fewer for slow ones), from SEED (1): docs/security.md
	@$(BIN)/python -m tests.fuzz.run --inputs $${N:-1000000} --seed $${SEED:-1} $(ARGS)

chaos-callbacks: $(VENV)/.dev  ## kill -9 of the daemon N times (200), at each step of a callback: never two calls to one number, none lost
	@$(BIN)/python -m callhandler.asterisk.pbx.get lab
	@CHAOS_CALLBACKS=$${N:-200} $(BIN)/python -m pytest tests/live/test_chaos_callbacks.py

# hold_proof has a target of its own; common, spoken, pretended and tap are what they share.
benches := $(filter-out common spoken pretended tap hold_proof __init__,$(basename $(notdir $(wildcard bench/*.py))))
bench: $(addprefix bench-,$(benches))  ## every benchmark, one after the other, on a machine that does nothing else; bench-NAME is one (docs/performance.md)

bench-quick: $(VENV)/.dev  ## each benchmark in a short form
	@$(BIN)/python -m callhandler.asterisk.pbx.get lab
	@for name in $(benches); do $(BIN)/python -m bench.$$name --quick || exit 1; done

bench-%: bench/%.py $(VENV)/.dev
	@$(BIN)/python -m callhandler.asterisk.pbx.get lab
	@$(BIN)/python -m bench.$* $(ARGS)

lint: $(VENV)/.dev  ## ruff, mypy strict, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint test  ## lint and test

format: $(VENV)/.dev  ## put the code into the house's form
	@$(BIN)/ruff format .

lock: $(VENV)/.dev  ## choose newer exact versions (needs the program uv)
	@for kind in run dev; do \
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--no-emit-find-links --upgrade --custom-compile-command 'make lock' pyproject.toml requirements/run.in \
		$$(test $$kind = dev && echo --group dev -c requirements/run.txt) -o requirements/$$kind.txt || exit 1; done

sbom: $(BIN)/python  ## what callhandler is made of, from the lock files: dist/callhandler.cdx.json (CycloneDX)
	@mkdir -p dist
	@$(BIN)/python tools/sbom.py > dist/callhandler.cdx.json
	@echo "dist/callhandler.cdx.json: $$(grep -c '"bom-ref": "pkg:pypi' dist/callhandler.cdx.json) packages"

clean:  ## remove what was made here, but not ./site and not what was fetched for all sites
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist bench/out

$(BIN)/python:
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then other="$(call first)"; \
		if [ -z "$$other" ]; then echo "callhandler needs Python 3.11 or newer: apt install python3.11 python3.11-venv (or newer)"; \
		else echo "This Python can't make virtual environments: apt install $$($$other -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; fi; \
		exit 1; fi; \
	echo "· Making a virtual environment in $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "· Installing callhandler and what it needs (exact versions, checked by hash)"
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "· Installing the tools for tests and lint"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
