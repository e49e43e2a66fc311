# make demo [CT=path] | test | test-all | lint | benchmark | clean. Each prepares .venv first; no terminal is needed.
THORAXAI := .venv/bin/thoraxai
PYTEST := .venv/bin/python -m pytest
# tests of one file stay in one process, which shares what they have prepared
ALL_CORES := -n auto --maxprocesses 4 --dist loadfile
OUTPUT ?= demo-output
export QT_QPA_PLATFORM ?= offscreen

.PHONY: demo test test-all lint benchmark clean environment

demo: environment
	$(THORAXAI) lung demo --output "$(OUTPUT)" $(if $(CT),--ct "$(CT)")

# Qt and trame each want a process of their own, so the panels are tested in a second run; both always run
test: environment
	@status=0; \
	$(PYTEST) Testing --ignore=Testing/desktop -m "not slow" $(ALL_CORES) || status=1; \
	$(PYTEST) Testing/desktop -m "not slow" || status=1; \
	exit $$status

test-all: environment
	@status=0; \
	$(PYTEST) Testing --ignore=Testing/desktop $(ALL_CORES) || status=1; \
	$(PYTEST) Testing/desktop || status=1; \
	exit $$status

lint: environment
	.venv/bin/ruff check .

benchmark: environment
	.venv/bin/python Testing/benchmarks/lung_analyze.py

clean:
	rm -rf "$(OUTPUT)" build dist .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

environment:
	@bash prepare_environment.sh
