# Everything that a developer or CI runs. `make` alone lists the targets.
# The virtual environment is rebuilt from requirements.lock when the lock changes, and only then.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON := $(shell command -v python3.11 || command -v python3)
SOURCES := flight_server http_gateway hatidata_agent hatidata_settings hatidata_telemetry
TYPED := $(SOURCES) certs deploy tests $(wildcard bench/*.py examples/*.py)
HATI := $(BIN)/hati --home .hati
LINT := build/lint/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup check fix test cluster test-cluster test-postgres bench-cluster test-typescript console test-console bench bench-peers run serve certs lock clean lint-deploy lint-chart

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv from requirements.lock (again: nothing to do)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No python3 found: HatiData needs Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1): HatiData needs Python 3.11 or newer." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) (a few minutes the first time)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

check: setup  ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports --no-logo

lint-deploy:  ## lint the container files and try the alerts (deploy/)
	@test -x $(LINT)/hadolint || { $(PYTHON) -m venv build/lint && \
	  $(LINT)/pip --disable-pip-version-check --quiet install --require-hashes -r deploy/lint-requirements.lock; }
	@command -v promtool >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus >/dev/null; } || true
	$(LINT)/hadolint deploy/Dockerfile
	$(LINT)/yamllint --strict -c deploy/.yamllint.yml deploy
	@if command -v promtool >/dev/null; then cd deploy/prometheus && \
	  promtool check config prometheus.yml && promtool test rules alerts.test.yml; \
	  else echo "No promtool found (Debian: package prometheus): the alerts are not tried." >&2; fi

lint-chart:  ## render the Helm chart and validate it (needs Go; builds Helm, which takes minutes the first time)
	@command -v go >/dev/null || { echo "No go found: Helm is built from its Go module." >&2; exit 1; }
	@test -x build/chart/helm || GOBIN=$(CURDIR)/build/chart go install helm.sh/helm/v3/cmd/helm@v3.19.0
	@test -x build/chart/kubectl-validate || GOBIN=$(CURDIR)/build/chart go install sigs.k8s.io/kubectl-validate@v0.0.4
	@set -e; for values in smallest everything; do \
	  build/chart/helm lint --strict -f deploy/chart/ci/$$values-values.yaml deploy/chart; \
	  rm -rf build/chart/$$values; \
	  build/chart/helm template try deploy/chart --kube-version 1.30.0 -f deploy/chart/ci/$$values-values.yaml \
	    --output-dir build/chart/$$values >/dev/null; \
	  build/chart/kubectl-validate --version 1.30 build/chart/$$values; done

fix: setup  ## let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup  ## the whole test suite, on up to four cores
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test-typescript: setup  ## the documents' TypeScript programs (needs node and npm)
	@{ command -v node && command -v npm; } >/dev/null || \
	  { echo "No node and npm found: the TypeScript programs were not run." >&2; exit 1; }
	@test examples/typescript/node_modules/.package-lock.json -nt examples/typescript/package-lock.json || \
	  npm --prefix examples/typescript ci --loglevel=error
	$(BIN)/python -m pytest -p tests.fixtures.service examples/typescript

console/node_modules/.package-lock.json: console/package-lock.json
	@{ command -v node && command -v npm; } >/dev/null || { echo "No node and npm found: the console needs them to be built." >&2; exit 1; }
	npm --prefix console ci --ignore-scripts --loglevel=error
	@touch $@

console: console/node_modules/.package-lock.json  ## build the web console into http_gateway/console (needs node and npm)
	npm --prefix console run --silent check
	node console/build.mjs

test-console: setup console/node_modules/.package-lock.json  ## the console in Chromium, and that its build is the committed one
	@tests/console/chromium || exit 1
	npm --prefix console run --silent check
	node console/build.mjs build/console
	@diff -r build/console http_gateway/console || { echo "http_gateway/console is not what console/ builds: run make console" >&2; exit 1; }
	node --test --test-reporter=spec $(wildcard tests/console/*.test.mjs)

cluster: setup  ## serve on top of a cluster of Sail workers with TPC-H in it, and print commands to try
	$(BIN)/python -m bench.cluster_demo

test-cluster: setup  ## TPC-H, attacks and faults over Sail and PostgreSQL (root has PostgreSQL installed if need be)
	TEST_CLUSTER=1 $(BIN)/pytest --timeout 300 tests/cluster

test-postgres: setup  ## those of them that concern PostgreSQL
	TEST_CLUSTER=1 $(BIN)/pytest --timeout 300 tests/cluster -k "pg or postgres"

bench-cluster: setup  ## the service beside ADBC straight to the same cluster, with 1, 2 and 4 workers
	$(BIN)/python -m bench.cluster_overhead

bench: setup  ## measure against the bare pyarrow server; writes docs/performance.md
	$(BIN)/python -m bench

bench-peers: setup  ## the same, and against ROAPI, Sail and Quack
	$(BIN)/python -m bench --peers

run: setup  ## serve sample data in the foreground and print commands to try
	$(HATI) init --demo --no-start
	$(HATI) serve

serve: setup  ## serve what is in .hati, in the foreground
	$(HATI) serve

certs: setup  ## development certificates in certs/dev (git-ignored)
	$(BIN)/python -m certs.make_certs

lock:  ## resolve pyproject.toml again into requirements.lock
	@test -x build/lock/bin/pip-compile || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet pip-tools==7.6.2; }
	@cp requirements.lock build/lock/compiled
	build/lock/bin/pip-compile --quiet $(LOCKFLAGS) --all-extras --generate-hashes --strip-extras --no-annotate --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file build/lock/compiled pyproject.toml
	@{ echo '# Every package of every extra, with hashes; regenerate with `make lock` (docs/decisions/0001).'; \
	  cat build/lock/compiled; } > requirements.lock
	@! grep -n '://' requirements.lock
	@$(BIN)/python -m deploy.lock 2>/dev/null || echo "After make setup: $(BIN)/python -m deploy.lock"

clean:  ## remove the environment, caches and the demo home
	rm -rf $(VENV) .hati build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
