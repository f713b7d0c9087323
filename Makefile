PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
DATA ?=

.DEFAULT_GOAL := help
.PHONY: help install system-tools demo unit test check lint types format docs benchmarks clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## Make .venv with everything in it

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

system-tools: ## What the browser and container tests need from Debian (as root): Chromium, buildah, podman
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium buildah podman runc mmdebstrap

demo: install ## The whole way once: paint (or DATA=folder), `scenelet start`, answer as Lambda, predict
	$(BIN)/python scripts/demo.py $(if $(DATA),--data "$(DATA)")

unit: install ## The quick tests, which train nothing (under a minute)
	$(PYTEST) -m "not pipeline and not browser and not aws"

test: install ## All tests (some minutes; WORKERS=4 where there are more cores)
	$(PYTEST)

check: lint types test ## What must pass before a commit

lint: install ## Formatting and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install ## mypy, strict, on src
	$(BIN)/mypy

format: install ## Put the formatting right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## Build the pages of docs/ into site/, strictly: no warning, no link that leads nowhere
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

benchmarks: install ## Print the speed figures of the README
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/package.py

clean: ## Remove what was made here, but not runs/ and bundles/
	rm -rf .venv demo dist build site .mypy_cache .ruff_cache .pytest_cache
