# Targets run uv; scripts/uv runs the installed uv or fetches it.
UV = scripts/uv
RUN = $(UV) run --no-sync
# Without the bytecode cache every process compiles its imports: a second for each start of the stack.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: monitoring-test help install sync demo serve test coverage test-long test-browser screenshots access sources docs docs-serve check format bench bench-report bench-large bench-growth faults wheels image-test compose-test

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

sync:
	@scripts/install-compiler
	@$(UV) sync --locked --quiet

install: sync
	@scripts/install-system

demo: install ## upload, search and mosaic scenes; DEMO_DATA=folder uses your own GeoTIFFs
	@$(RUN) python examples/demo.py

serve: install ## start or join the embedded stack, and print its address
	@$(RUN) landbridge up

test: install ## unit, integration and contract tests, in two processes for each core, each with databases of its own
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null || scripts/apt-install nginx-light || \
		echo "nginx is missing, so its tests are skipped." >&2
	@$(RUN) pytest --numprocesses auto --dist worksteal $(ARGS)

coverage: install ## line and branch coverage of the mappings, the catalog and the server by all tests, servers' processes included
	@rm -f .coverage .coverage.*
	@failed=0; COVERAGE_FILE=$(CURDIR)/.coverage $(RUN) coverage run -m pytest \
		--numprocesses auto --dist worksteal $(ARGS) || failed=$$?; \
	$(RUN) coverage combine --quiet && for part in mappings catalog stac_api; do \
		printf '%-9s' $$part && $(RUN) coverage report --include "*/landbridge/$$part/*" | tail -n 1; done; \
	exit $$failed

# The modules that generate more cases, or run at all, if conftest's LONG is set.
LONG_TESTS = $(shell grep -rlw LONG tests --include='test_*.py')

test-long: install ## filters, fuzzing, the side table and the rules with as many cases as we aim at; pixels against gdalwarp and an oracle; kernels with sanitizers
	@command -v gdalwarp >/dev/null || scripts/apt-install gdal-bin
	@scripts/test-kernels-with-sanitizers
	@LANDBRIDGE_LONG_TESTS=1 $(RUN) pytest --timeout 3600 -rP tests/unit/kernels tests/unit/raster/test_exactness.py \
		tests/distributions $(LONG_TESTS) $(ARGS)

.PHONY: upgrade-test
upgrade-test: sync ## upgrade the embedded database from PostgreSQL 15 to 17, in a Debian with both (1.1 GB); needs root
	@scripts/test-postgres-upgrade $(ARGS)

test-browser: install ## test the pages, maps and STAC Browser in headless Chromium, and layers in QGIS; installs all if missing
	@$(UV) sync --locked --quiet --group browser
	@scripts/install-browser
	@/usr/bin/python3 -c "import qgis.core" 2>/dev/null || scripts/apt-install python3-qgis
	@$(RUN) pytest tests/e2e $(ARGS)

screenshots: install ## make the pictures of the documentation anew, from a notebook in headless Chromium
	@$(UV) sync --locked --quiet --group browser
	@scripts/install-browser >/dev/null
	@LANDBRIDGE_SCREENSHOTS=1 $(RUN) pytest tests/e2e/test_journey.py

access: install ## print the access of every kind of caller to every route
	@PYTHONPATH=tests $(RUN) python -m access.matrix

image-test: install ## build the server's image without a container daemon, and run a search from it; needs root
	@options=$$(scripts/build-image) && PYTHONUNBUFFERED=1 PYTHONPATH=tests $(RUN) python -m deploy.image $$options

compose-test: install ## run docker-compose.yml as processes, use it as a user, and kill each process in turn under load
	@$(UV) sync --locked --quiet --group deploy
	@command -v strace >/dev/null || scripts/apt-install strace
	@PYTHONPATH=tests $(RUN) python -m deploy.manifests
	@folder=$$(scripts/install-oidc-provider) && \
		OIDC_PROVIDER_FOLDER="$$folder" PYTHONUNBUFFERED=1 PYTHONPATH=tests $(RUN) python -m deploy

docs: install ## build the documentation site into site/, with executed tutorials; a warning is an error
	@$(RUN) sphinx-build --quiet --fail-on-warning --keep-going docs site $(ARGS)
	@echo "site/index.html"

docs-serve: docs ## build the site, and serve it at http://localhost:8080
	@$(RUN) python -m http.server --directory site --bind 127.0.0.1 8080

check: sync ## ruff, mypy, import-linter, deptry, lock file, types of public names, known vulnerabilities of dependencies
	@$(UV) lock --check
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(RUN) deptry src
	@$(RUN) deptry --config mappings/pyproject.toml mappings
	@$(RUN) deptry --config src/kernels/pyproject.toml src/kernels
	@$(RUN) deptry --config src/raster/pyproject.toml src/raster
	@$(RUN) deptry --config stac_api/pyproject.toml stac_api
	@$(RUN) deptry --config src/porting/pyproject.toml src/porting
	@$(RUN) python scripts/verify_types.py
	@scripts/audit

wheels: ## build the wheels of all distributions into dist, for Linux on x86-64 and arm64, and try them in clean environments
	@$(UV) run --quiet --isolated --only-group wheels python scripts/build_wheels.py $(ARGS)

format: sync ## format the sources and fix lint with ruff
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

bench: install ## compare our speed with peers; JSON lines, also in BENCH_HISTORY; GROUP=start|cold|search|raster|uploads|stac|access|sources|porting|tiles
	@command -v gdalwarp >/dev/null || scripts/apt-install gdal-bin
	@$(UV) sync --locked --quiet --group bench
	@PYTHONPATH=examples:tests $(RUN) python -m bench $(GROUP)

bench-report: sync ## draw the history of benchmarks to a PNG; OUTPUT=file
	@PYTHONPATH=examples:tests $(RUN) python -m bench.report $(OUTPUT)

monitoring-test: install ## test the alerts, and run their queries and those of the dashboard in Prometheus, over the metrics of a stack
	@scripts/install-prometheus >/dev/null
	@LANDBRIDGE_LONG_TESTS=1 $(RUN) pytest -rP tests/integration/test_prometheus.py $(ARGS)

sources: install ## print what is right with each provider of imagery, replayed on this machine
	@PYTHONPATH=tests $(RUN) python -m sources $(ARGS)

faults: install ## make each step of an upload fail, and print what is left behind
	@PYTHONPATH=tests $(RUN) python -m faults

bench-large: install ## summaries of a product of five million images; takes minutes and two gigabytes
	@$(UV) sync --locked --quiet --group bench
	@PYTHONPATH=examples:tests $(RUN) python -m bench large

bench-growth: install ## print delays at growing numbers of items and products; LANDBRIDGE_BENCH_SIZES, _PRODUCTS, _HOME
	@PYTHONPATH=examples:tests $(RUN) python -m bench.growth
	@PYTHONPATH=examples:tests $(RUN) python -m bench.growth_products
