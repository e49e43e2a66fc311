# make demo [CT=path] | test | test-all | lint | benchmark | validation | clean. Each prepares .venv first; no terminal is needed.
# COVERAGE=yes measures what the tests run and fails below the floor in pyproject.toml (what .ci/run does)
THORAXAI := .venv/bin/thoraxai
PYTEST := .venv/bin/python -m pytest
MODULE_FOLDERS := .:LungNoduleAI:CardiacBiomech:Anonymizer
# tests of one file stay in one process, which shares what they have prepared
ALL_CORES := -n auto --maxprocesses 4 --dist loadfile
OUTPUT ?= demo-output
MEASURE := $(if $(COVERAGE),--cov --cov-report= --cov-fail-under=0)
MEASURE_MORE := $(if $(COVERAGE),--cov --cov-append --cov-report=term:skip-covered)
export QT_QPA_PLATFORM ?= offscreen

.PHONY: demo test test-all lint benchmark validation clean environment

demo: environment
	$(THORAXAI) lung demo --output "$(OUTPUT)" $(if $(CT),--ct "$(CT)")

# Qt and trame each want processes of their own, so the panels are tested in a second run; both always run
test: environment
	@status=0; \
	$(PYTEST) Testing --ignore=Testing/desktop -m "not slow" $(ALL_CORES) $(MEASURE) || status=1; \
	$(PYTEST) Testing/desktop -m "not slow" $(ALL_CORES) $(MEASURE_MORE) || status=1; \
	exit $$status

test-all: environment
	@status=0; \
	$(PYTEST) Testing --ignore=Testing/desktop $(ALL_CORES) || status=1; \
	$(PYTEST) Testing/desktop $(ALL_CORES) || status=1; \
	exit $$status

# every gate runs, also when an earlier one fails
lint: environment
	@status=0; \
	.venv/bin/ruff check . || status=1; \
	.venv/bin/ruff format --check . || status=1; \
	PYTHONPATH=$(MODULE_FOLDERS) .venv/bin/lint-imports --no-cache || status=1; \
	.venv/bin/mypy || status=1; \
	exit $$status

benchmark: environment
	.venv/bin/python Testing/benchmarks/lung_analyze.py

# docs/validation.md from docs/validation.json, and the rows that are older than the code they measure
validation: environment
	PYTHONPATH=Testing .venv/bin/python -m validation.write_validation

clean:
	rm -rf "$(OUTPUT)" build dist .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

environment:
	@bash prepare_environment.sh
