# Everything a newcomer needs: `make demo` and `make test`. Both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# In the image, as the caller, in this folder: docs/docker.md.
DOCKER ?= docker
XILINX_FOLDER ?= /tools/Xilinx
IN_DOCKER = $(DOCKER) run --rm --init --user $$(id -u):$$(id -g) --volume "$(CURDIR)":/work --volume quarl-cache:/cache

.PHONY: help setup system-packages demo test test-all lint bench pin clean docker-build docker-demo docker-bitstream

help:
	@echo "make demo      train a 4-bit CartPole policy, build its RTL, prove it bit for bit, run it, report"
	@echo "make test      the quick tests"
	@echo "make test-all  the slow ones too"
	@echo "make lint      ruff and mypy"
	@echo "make bench     measure what the documents claim"
	@echo "make setup     only install into $(VENV)"
	@echo "make system-packages   by apt-get, as root: the programs that only tests run, a browser and Tcl"
	@echo "make docker-build, docker-demo, docker-bitstream RUN=runs/x: the same in an image, see docs/docker.md"

setup: $(READY)

$(READY): pyproject.toml constraints.txt scripts/check_prerequisites.sh
	@sh scripts/check_prerequisites.sh "$(PYTHON)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev]" \
		|| $(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/pip check
	@# FINN's own driver, which tests and benchmarks run unmodified, wants numpy below 2: in a folder of its own.
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --target $(VENV)/finn-driver finn-plus-driver==1.6.1 \
		|| $(BIN)/pip install --quiet --no-deps --upgrade --target $(VENV)/finn-driver finn-plus-driver==1.6.1
	@touch $@

system-packages:
	@sh scripts/install_system_packages.sh

demo: setup
	$(BIN)/quarl demo

# Two workers, each on one thread: threads of BLAS that spin would take the cores from each other.
PYTEST = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile

test: setup
	$(PYTEST) -m "not slow"

test-all: setup
	$(PYTEST)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks

pin: setup
	(head -n 1 constraints.txt; $(BIN)/uv pip freeze --python $(BIN)/python --exclude-editable | grep -v '^uv==') > constraints.new
	mv constraints.new constraints.txt

docker-build:
	$(DOCKER) build --tag quarl .

docker-demo: docker-build
	$(IN_DOCKER) quarl demo

docker-bitstream: docker-build
	$(IN_DOCKER) --volume "$(XILINX_FOLDER)":/tools/Xilinx:ro \
		quarl build $(or $(RUN),runs/demo) --target bitstream $(BOARD_FILES:%=--board-files %)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
