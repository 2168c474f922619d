# What people type and what CI runs: the same commands. Everything is installed into .venv; a second call is instant.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
ARGS ?=

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --constraint constraints.txt
EXTRAS := test check docs anatomy studio

export PIP_NO_INPUT := 1

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test check format docs docs-serve bench train picture pictures knee clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## Install, make a knee in code, find its bones, leave pictures in demo/; FILE=... for yours too
	@$(BIN)/anybone demo $(if $(FILE),"$(FILE)") --output demo $(ARGS)

test: $(VENV)/.installed-test ## Run the tests; ARGS="-k nifti" for some of them
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --cov --cov-report=term:skip-covered $(ARGS)

check: $(VENV)/.installed-check ## Lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.installed-check ## Mend what can be mended by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.installed-docs ## Build the documentation into site/, warnings are errors
	@$(BIN)/python docs/cli_reference.py --check
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

docs-serve: $(VENV)/.installed-docs ## Show the documentation while it is written
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: $(VENV)/.installed-studio ## Measure speed and memory of the released-size network, as ratios
	@$(BIN)/python benchmarks/speed.py $(ARGS)
	@$(BIN)/python benchmarks/studio.py

train: $(VENV)/.installed ## Train: make train RECIPE=configs/two-cores-overnight.toml RUN=runs/night
	@test -n "$(RECIPE)" -a -n "$(RUN)" || { \
	  echo 'Say how and where to: make train RECIPE=recipe.toml RUN=runs/mine. See docs/how-to/train.md.' >&2; exit 2; }
	@$(BIN)/anybone train $(RECIPE) --output $(RUN) $(ARGS)

picture: demo ## Renew the picture at the top of the README
	@$(BIN)/python docs/picture.py demo docs/img/demo.png

knee: $(VENV)/.installed-anatomy ## Make the demo's knee anew from shapes of bones; then: make picture
	@$(BIN)/python -m anybone.anatomy.example

pictures: picture $(VENV)/.installed-anatomy ## Renew that one and those of synthetic MRI
	@$(BIN)/python docs/anatomy_pictures.py docs/img/anatomy

clean: ## Remove what these commands made, .venv too
	rm -rf $(VENV) site demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

# --- what is installed; each stamp is renewed when the requirements change ---
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo 'There is no $(PYTHON). Install Python 3.11 or later.' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "anybone needs Python 3.11 or later; this is $$($(PYTHON) --version)." \
	    'Name another one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv' >&2; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing anybone into $(VENV) (PyTorch is large: the first time takes minutes) ...'
	@$(INSTALL) --editable .
	@touch $@

$(EXTRAS:%=$(VENV)/.installed-%): $(VENV)/.installed-%: $(VENV)/.installed
	@echo 'Installing what "$*" needs ...'
	@$(INSTALL) --editable '.[$*]'
	@touch $@
