# Every command of the course. Each sets the environment up first where that is needed; `make help` lists them.

# cpu: torch's small CPU build, from PyTorch's own index. pypi: whatever PyPI has, which on Linux brings CUDA.
# What is installed stays, until TORCH asks for the other.
installed := $(patsubst .venv/.stamp-%,%,$(wildcard .venv/.stamp-*))
detected := $(shell [ "$$(uname)" = Linux ] && ! command -v nvidia-smi >/dev/null && echo cpu || echo pypi)
TORCH ?= $(or $(installed),$(detected))
why_cpu := no NVIDIA GPU was found here
why_pypi := this machine has an NVIDIA GPU, or does not run Linux
index_cpu := --extra-index-url https://download.pytorch.org/whl/cpu
index_pypi :=
ifeq ($(filter cpu pypi,$(TORCH)),)
$(error TORCH is "$(TORCH)"; give TORCH=cpu for torch's small CPU build, or TORCH=pypi for PyPI's)
endif

python := .venv/bin/python
course := $(python) -m helpers.course
stamp := .venv/.stamp-$(TORCH)
BENCH ?= linear_regression

.PHONY: help lab setup doctor check test lint build bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

lab: $(stamp) ## Open JupyterLab on your copy of the course; ARGS="--no-browser --port 8890" goes to JupyterLab
	@$(course) lab $(ARGS)

setup: $(stamp) ## Install the locked environment into .venv, where it is not there; TORCH=cpu or pypi, PYTHON=path
	@echo "The environment in .venv is ready; torch came with TORCH=$(TORCH)."

doctor: ## Look at this machine and say what each lack costs
	@python3 -m helpers.course.doctor

check: $(stamp) ## Validate the course; CHAPTERS="05 06" for a part, SCALE=tiny, laptop or full
	$(course) check $(if $(SCALE),--scale $(SCALE)) $(CHAPTERS)

test: $(stamp) ## Run the test suite; ARGS="tests/test_lab.py -n 0" for a part
	$(python) -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(stamp) ## Check the code's style; ARGS=--fix repairs what it can
	$(python) -m ruff check $(ARGS)
	$(python) -m ruff format --check

build: $(stamp) ## Build the notebooks whose sources changed; CHAPTERS="05" for a part
	$(course) build $(CHAPTERS)

bench: bench/.venv/.stamp ## Measure an algorithm of the course against other libraries; BENCH=linear_regression
	bench/.venv/bin/python bench/$(BENCH).py $(ARGS)

# The peers have an environment of their own, which sees the course's packages behind its own.
bench/.venv/.stamp: bench/requirements.txt $(stamp)
	@$(python) -m venv bench/.venv
	bench/.venv/bin/python -m pip install --disable-pip-version-check --quiet --requirement bench/requirements.txt
	@site() { "$$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }; \
		echo "import site; site.addsitedir('$$(site $(python))')" > "$$(site bench/.venv/bin/python)/course.pth"
	@touch $@

lock: ## Pin what pyproject.toml asks for in requirements.txt, keeping present pins; ARGS=--upgrade renews them
	bin/lock $(ARGS)

clean: ## Remove the environment and what builds leave behind; your work/ stays
	rm -rf .venv build *.egg-info

# The stamp comes last: an interrupted set-up leaves none, and the next one starts afresh.
$(stamp): requirements.txt pyproject.toml
	@rm -f .venv/.stamp-*
ifeq ($(wildcard $(stamp)),)
	@echo "Setting up the course in .venv, once: about 2 minutes and 2.3 GB, several GB more with CUDA."
	@echo "TORCH=$(TORCH), because $(if $(filter file,$(origin TORCH)),$(why_$(TORCH)),you asked for it)." \
		"For the other build: make setup TORCH=$(filter-out $(TORCH),cpu pypi)"
	python=$$(bin/find-python) && "$$python" -m venv --clear .venv
else
	@echo "requirements.txt or pyproject.toml changed: bringing .venv up to date."
endif
	$(python) -m pip install --disable-pip-version-check $(index_$(TORCH)) --requirement requirements.txt
	$(python) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@
