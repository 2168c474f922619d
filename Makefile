# What people type and what CI runs: the same commands. Everything is installed into .venv; a second call is instant.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
ARGS ?=

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --constraint constraints.txt
PAGE := src/anybone/server/static/index.html
EXTRAS := test check docs anatomy studio wheel

export PIP_NO_INPUT := 1

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: types lint-page wheel container-check words help demo studio page page-where-node-is test test-large check format docs docs-serve bench fuzz train findings picture pictures screenshots knee clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## Install, make a knee in code, find its bones, leave pictures in demo/; FILE=... for yours too
	@$(BIN)/anybone demo $(if $(FILE),"$(FILE)") --output demo $(ARGS)

studio: $(VENV)/.installed-studio $(PAGE) ## Install, build the page, open the studio; FILE=... to open
	@$(BIN)/anybone studio $(if $(FILE),"$(FILE)") $(ARGS)

page: $(PAGE) ## Build the studio's page into the package, with Node

test: $(VENV)/.installed-test page-where-node-is ## Run the tests; ARGS="-k nifti" for some of them
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --cov --cov-report=term:skip-covered $(ARGS)

test-large: $(VENV)/.installed-test $(PAGE) ## Open 512 x 512 x 200 voxels in a browser
	@ANYBONE_LARGE=1 $(BIN)/pytest -q -s tests/e2e/test_large.py

check: $(VENV)/.installed-check lint-page ## Lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.installed-check ## Mend what can be mended by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@if command -v npm >/dev/null && $(MAKE) --no-print-directory studio/node_modules/.installed; then \
	  npm --prefix studio run --silent format; fi

types: $(VENV)/.installed-studio studio/node_modules/.installed ## Write the studio's TypeScript types from the server's OpenAPI description
	@$(BIN)/python -m anybone.server.openapi | node studio/generate_types.mjs

wheel: $(VENV)/.installed-wheel $(PAGE) ## Build dist/*.whl with the studio's page inside, and run it in a bare environment
	@rm -rf dist && $(BIN)/python -m build --wheel --sdist --outdir dist . >/dev/null
	@rm -rf $(VENV)/wheel-check && $(PYTHON) -m venv $(VENV)/wheel-check
	@$(VENV)/wheel-check/bin/python -m pip install --quiet --no-input --disable-pip-version-check --constraint constraints.txt dist/*.whl
	@cd $$(mktemp -d) && $(abspath $(VENV))/wheel-check/bin/anybone demo --quiet && ls demo/*_bones.nii.gz >/dev/null
	@rm -rf $(VENV)/wheel-check
	@ls dist

docs: $(VENV)/.installed-docs ## Build the documentation into site/, warnings are errors
	@$(BIN)/python docs/cli_reference.py --check
	@$(BIN)/python docs/findings.py --check
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

docs-serve: $(VENV)/.installed-docs ## Show the documentation while it is written
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: $(VENV)/.installed-studio ## Measure speed and memory of the released-size network, as ratios
	@$(BIN)/python benchmarks/speed.py $(ARGS)
	@$(BIN)/python benchmarks/studio.py
	@$(BIN)/python benchmarks/studio_page.py || true

fuzz: $(VENV)/.installed-test ## Ask the studio's server whatever its own description allows, at length
	@ANYBONE_FUZZ_EXAMPLES=$(or $(EXAMPLES),200) OMP_NUM_THREADS=1 $(BIN)/pytest tests/server/test_fuzz.py $(ARGS)

train: $(VENV)/.installed ## Train: make train RECIPE=configs/two-cores-overnight.toml RUN=runs/night
	@test -n "$(RECIPE)" -a -n "$(RUN)" || { \
	  echo 'Say how and where to: make train RECIPE=recipe.toml RUN=runs/mine. See docs/how-to/train.md.' >&2; exit 2; }
	@$(BIN)/anybone train $(RECIPE) --output $(RUN) $(ARGS)

findings: $(VENV)/.installed ## Make the page of findings from docs/data/benchmarks
	@$(BIN)/python docs/findings.py

picture: demo ## Renew the picture at the top of the README
	@$(BIN)/python docs/picture.py demo docs/img/demo.png

knee: $(VENV)/.installed-anatomy ## Make the demo's knee anew from shapes of bones; then: make picture
	@$(BIN)/python -m anybone.synthetic.example_knee

pictures: picture $(VENV)/.installed-anatomy ## Renew that one and those of synthetic MRI
	@$(BIN)/python docs/anatomy_pictures.py docs/img/anatomy

screenshots: $(VENV)/.installed-test $(PAGE) ## Renew the studio's screenshots, of the demo's knee
	@$(BIN)/python docs/studio_pictures.py docs/img/studio

clean: ## Remove what these commands made, .venv too
	rm -rf $(dir $(PAGE)) studio/node_modules
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

# --- the studio's page; without Node the rest works, and its tests are skipped ---
studio/node_modules/.installed: studio/package.json studio/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null || { \
	  echo 'The page of the studio is built with Node 20.19 or later, and npm. Install them, or a wheel of anybone, which holds the page.' >&2; \
	  exit 1; }
	@echo 'Installing what the page is made of ...'
	@npm --prefix studio ci --silent --no-audit --no-fund
	@touch $@

$(PAGE): studio/node_modules/.installed studio/index.html $(wildcard studio/*.ts studio/tsconfig.json studio/public/* studio/licenses/*) $(shell find studio/src -type f 2>/dev/null)
	@npm --prefix studio run --silent build -- --logLevel warn
	@touch $@

lint-page:
	@if command -v npm >/dev/null && $(MAKE) --no-print-directory studio/node_modules/.installed; then \
	  npm --prefix studio run --silent lint && npm --prefix studio run --silent check; \
	else echo 'Node is not installed: the page of the studio is not checked.' >&2; fi

page-where-node-is:
	@if command -v npm >/dev/null && $(MAKE) --no-print-directory page; then \
	  npm --prefix studio test --silent; \
	else echo 'The page of the studio is not built; its tests are skipped.' >&2; fi
