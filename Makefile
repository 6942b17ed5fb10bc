# Two commands set everything up by themselves: make demo, make test. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export UV_PYTHON_PREFERENCE := only-system
# The machine's own certificates, as pip has them: many networks look into TLS.
export UV_SYSTEM_CERTS ?= 1
UV := $(shell command -v uv || echo .tools/bin/uv)
RUN := $(UV) run --frozen
CONSOLE := src/perisai/service/console_dist/index.html
CONSOLE_SOURCES := $(shell find console -path console/node_modules -prune -o -type f -print 2>/dev/null)

.PHONY: help demo test check lint format types arrows unit browser bench fuzz soak soak-kill soak-cluster soak-regions soak-overload soak-console soak-memory audit sbom clean console

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.tools/bin/uv:
	@command -v python3 >/dev/null || { echo "make: python3 (3.11 or newer) is needed; on Debian: apt-get install python3 python3-venv"; exit 1; }
	python3 -m venv .tools || { echo "make: python3-venv is needed; on Debian: apt-get install python3-venv"; exit 1; }
	.tools/bin/pip install --quiet --disable-pip-version-check uv

.venv/.ready: uv.lock pyproject.toml | $(if $(findstring .tools,$(UV)),.tools/bin/uv)
	$(UV) sync --frozen --quiet
	@touch $@

.venv/.ready-demo: uv.lock pyproject.toml | $(if $(findstring .tools,$(UV)),.tools/bin/uv)
	$(UV) sync --frozen --quiet --inexact --no-group dev --no-group oracles
	@touch $@

console/node_modules/.ready: console/package-lock.json
	@command -v npm >/dev/null || { echo "make: node 20 with npm is needed"; exit 1; }
	cd console && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CONSOLE): console/node_modules/.ready $(CONSOLE_SOURCES)
	cd console && npm run --silent build

console: $(CONSOLE) ## build the console into the package

demo: ## a raid night through the whole live system; Ctrl-C ends it
	@$(MAKE) --no-print-directory -j2 .venv/.ready-demo $(CONSOLE)
	@exec .venv/bin/perisai demo $(ARGS)

test: ## everything: lint, types, import arrows, all tests, a real browser
	@$(MAKE) --no-print-directory -j2 .venv/.ready $(CONSOLE)
	@$(MAKE) --no-print-directory check
	@.ci/chromium
	@echo "kernels: compiled once after an update, which takes a minute"
	@$(RUN) python -m perisai.service.warm
	$(RUN) pytest $(ARGS)

check: .venv/.ready lint types arrows ## lint, types and import arrows

lint:
	$(RUN) ruff check .
	$(RUN) ruff format --check --quiet .

format: ## one style, imports sorted
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

types:
	$(RUN) basedpyright --level error

arrows:
	$(RUN) lint-imports

unit: .venv/.ready ## the quick tests
	$(RUN) pytest tests/unit tests/property -q

fuzz: .venv/.ready ## 100,000 random and 10,000 mutated messages for every parser of what comes from outside
	$(RUN) python tests/property/sensor_fuzz.py $(ARGS)

soak: soak-kill soak-cluster soak-regions soak-overload soak-console soak-memory ## long runs, bounded: kills, a cluster, take-overs, overload, a full console, a day of raids

soak-kill: .venv/.ready ## kill -9 of centre and bus, raid after raid; KILLS=1000 MINUTES=120; goes on where it was stopped
	$(RUN) python tests/fault/soak.py $(or $(KILLS),1000) $(or $(MINUTES),120)

soak-console: .venv/.ready $(CONSOLE) ## thirty simulated minutes of a full console: its memory stays flat
	$(RUN) python benchmarks/console_soak.py

soak-memory: .venv/.ready $(CONSOLE) ## the largest night back to back, HOURS=24 of it in MINUTES=180: its memory stays flat
	$(RUN) python benchmarks/service_soak.py $(or $(HOURS),24) $(or $(MINUTES),180)

soak-cluster: .venv/.ready ## three servers under a raid: the leader killed, then parted, over MINUTES=15: p99 under 6 s, nothing lost
	$(RUN) python tests/fault/test_cluster.py $(or $(MINUTES),15)

soak-regions: .venv/.ready ## a region's tracker and alerter killed, TIMES=5: the standby works within 5 and 3 s
	$(RUN) python tests/fault/test_regions.py $(or $(TIMES),5)

soak-overload: .venv/.ready ## five times CAPACITY=1000 a second for SECONDS=60: shed in order, alerts p99 under 2 s
	$(RUN) python tests/fault/test_overload.py $(or $(CAPACITY),1000) $(or $(SECONDS),60)

audit: .venv/.ready ## what runs, against known faults (OSV); said and passed over when there is no network
	@.ci/audit

sbom: .venv/.ready ## a bill of materials of what runs (CycloneDX 1.5), from the lock file
	@mkdir -p artefacts
	@$(UV) export --frozen --no-default-groups --all-extras --format cyclonedx1.5 --quiet -o artefacts/perisai.cdx.json

clean: ## remove what was built here
	rm -rf .venv .tools console/node_modules src/perisai/service/console_dist artefacts demo-data
