# Every target is one step of uv; scripts/uv runs the installed uv or fetches one.
UV = scripts/uv
RUN = $(UV) run --no-sync
# Without its bytecode cache every process compiles all it imports: a second for each start of the stack.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install sync demo serve test test-long test-browser access check format bench bench-report bench-large faults

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

sync:
	@$(UV) sync --locked --quiet

install: sync
	@scripts/install-system

demo: install ## the main job, from nothing; DEMO_DATA=folder takes your own GeoTIFFs
	@$(RUN) python examples/demo.py

serve: install ## start the embedded stack, or join it, and print its address
	@$(RUN) landbridge up

test: install ## unit, integration and contract tests, in two processes for each core, each with databases of its own
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null || scripts/apt-install nginx-light || \
		echo "nginx is missing, so the tests behind it are skipped." >&2
	@$(RUN) pytest --numprocesses auto --dist worksteal $(ARGS)

test-long: install ## filters, fuzzing, the side table and the rules with as many cases as we aim at; pixels against gdalwarp and an oracle
	@command -v gdalwarp >/dev/null || scripts/apt-install gdal-bin
	@LANDBRIDGE_LONG_TESTS=1 $(RUN) pytest --timeout 1800 -rP tests/integration/test_server_filters.py \
		tests/integration/test_server_aggregation.py tests/contract/test_openapi.py \
		tests/unit/raster/test_exactness.py tests/unit/raster/test_longitudes.py tests/unit/raster/test_oracle.py \
		tests/unit/server/test_footprints.py tests/unit/server/test_source_files.py \
		tests/integration/catalog/test_points.py tests/integration/catalog/test_overwrites.py \
		tests/integration/test_document_identity.py tests/integration/test_generated_documents.py \
		tests/integration/test_geometries.py tests/access/test_request_limits.py tests/access/test_grants.py \
		tests/access/test_model.py $(ARGS)

test-browser: install ## STAC Browser in headless Chromium; installs both where they are missing
	@$(UV) sync --locked --quiet --group browser
	@scripts/install-browser
	@$(RUN) pytest tests/e2e $(ARGS)

access: install ## who may do what: every route for every kind of caller
	@PYTHONPATH=tests $(RUN) python -m access.matrix

check: sync ## ruff, mypy, import-linter, deptry, lock file, known vulnerabilities of dependencies
	@$(UV) lock --check
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(RUN) deptry src
	@$(RUN) deptry --config mappings/pyproject.toml mappings
	@$(RUN) deptry --config stac_api/pyproject.toml stac_api
	@scripts/audit

format: sync ## let ruff rewrite the sources
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

bench: install ## JSON lines of our times and those of peers, also kept in BENCH_HISTORY; GROUP=start|search|raster|uploads|stac|access
	@command -v gdalwarp >/dev/null || scripts/apt-install gdal-bin
	@$(UV) sync --locked --quiet --group bench
	@PYTHONPATH=examples:tests $(RUN) python -m bench $(GROUP)

bench-report: sync ## draw the history of benchmarks to a PNG; OUTPUT=file
	@PYTHONPATH=examples:tests $(RUN) python -m bench.report $(OUTPUT)

faults: install ## what uploads leave behind where something goes wrong at any of their steps
	@PYTHONPATH=tests $(RUN) python -m faults

bench-large: install ## summaries of a product of five million images; some minutes and two gigabytes
	@$(UV) sync --locked --quiet --group bench
	@PYTHONPATH=examples:tests $(RUN) python -m bench large
