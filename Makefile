# Everything happens in .venv, which the first target that needs it makes from the locks.
# `make` alone lists the targets.

BIN = .venv/bin
ifeq ($(OS),Windows_NT)
BIN = .venv/Scripts
endif
PORT ?= 8000

# The Python that makes .venv. Where none is named, an existing .venv stays as it is.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(or $(wildcard $(BIN)/python),python3)
endif

# Chapters and tests start hundreds of Pythons: what one of them has compiled, the others need not.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help book serve test freeze bench notebooks try-notebooks picture slides course question-bank pdf epub pages faults lock licences rehearse smallest translations clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

book: ## set up .venv, execute the chapters, build _build/html
	@$(PYTHON) tools/install.py book
	@$(BIN)/python tools/build.py

serve: book ## build what changed, serve it on 127.0.0.1 and open a browser (PORT=8000)
	@$(BIN)/python tools/serve.py $(PORT)

test: ## set up .venv, build the book, run every test (PYTEST_ARGS="-k metrics")
	@$(PYTHON) tools/install.py test
	@$(BIN)/python tools/browser.py
	@$(BIN)/python tools/build.py
	$(BIN)/python -m pytest -q -n 2 $(PYTEST_ARGS)

freeze: ## ask the trained arithmetic models, freeze what they say into mirage_lib/frozen
	@$(PYTHON) tools/install.py book
	$(BIN)/mirage arithmetic freeze --mode ladder --log
	$(BIN)/mirage arithmetic freeze --mode ladder --name arithmetic-ladder-sampled --temperature 1 --n 1000 --extra
	$(BIN)/mirage arithmetic freeze --mode ladder --name arithmetic-ladder-many --widths 4 8 12 16 --seeds 0 \
	  --cells addition:4:100000 addition:5:100000 multiplication:3:692 multiplication:4:1629 --extra
	$(BIN)/mirage arithmetic freeze --mode tokens --name arithmetic-ladder-tokens --n 500 --extra prompt
	$(BIN)/mirage arithmetic freeze --mode seeds --name arithmetic-seeds --cells addition:4:2000 addition:5:2000

bench: ## measure everything beside what one would do instead, to benchmarks/results.md (BENCH="scoring audit")
	@$(PYTHON) tools/install.py test
	-@$(BIN)/python tools/browser.py
	@$(BIN)/python -m benchmarks $(BENCH)

notebooks: ## make notebooks/ from the chapters, for Colab, Binder and laptops
	@$(PYTHON) tools/install.py test
	@$(BIN)/python -m tools.notebooks

try-notebooks: ## run every notebook in clean environments, write benchmarks/notebooks.md (long; 6 GB of disk)
	@$(PYTHON) tools/install.py test
	@$(BIN)/python -m tools.try_notebooks

picture: book ## make the README's picture from the built first page
	@$(BIN)/python -m tools.picture

slides: book ## write the slides of the lectures and their PDF, to _build/slides
	@$(BIN)/python -m tools.slides

course: ## write the course, for students, teachers and an autograder, to _build/course
	@$(PYTHON) tools/install.py test
	@$(BIN)/python -m tools.course

question-bank: book ## check the question bank, write a quiz and its key, to _build/question-bank (N=12 SEED=1)
	@$(BIN)/python -m tools.question_bank --n $(or $(N),12) --seed $(or $(SEED),1)

pdf: ## print the built pages as one PDF, _build/html/mirage.pdf
	@$(PYTHON) tools/install.py test
	@$(BIN)/python tools/browser.py
	@$(BIN)/python tools/build.py
	@$(BIN)/python -m tools.pdf

epub: ## bind the built pages as an EPUB, _build/html/mirage.epub
	@$(PYTHON) tools/install.py book
	@$(BIN)/python tools/build.py
	@$(BIN)/python -m tools.epub

pages: ## measure weight, reaction and Lighthouse scores of every page into benchmarks/pages.md (minutes)
	@$(PYTHON) tools/install.py test
	@$(BIN)/python tools/build.py
	$(BIN)/python tools/pages.py $(PAGES_ARGS)

faults: ## write the table of faults in the book from the tests' markers
	@$(PYTHON) tools/install.py test
	@$(BIN)/python -m tests.faults.table

lock: ## resolve requirements/ from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(PYTHON) tools/install.py bootstrap
	@$(BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

licences: ## write the licences of all packages, scripts and data to requirements/LICENCES.md
	@$(PYTHON) tools/install.py test
	@$(BIN)/python -m tools.licences

rehearse: ## try the locks on other Pythons, the oldest and the newest packages (long; ONLY="3.13 oldest newest")
	@$(PYTHON) tools/install.py test
	@$(BIN)/python -m tools.rehearse $(if $(ONLY),--only $(ONLY))

smallest: ## weigh the smallest install, try it, write the table of requirements/README.md
	@$(PYTHON) tools/install.py test
	@$(BIN)/python -m tools.smallest

translations: ## take new and changed prose of the translated pages into locale/, say what is missing
	@$(PYTHON) tools/install.py book
	@$(BIN)/python tools/translate.py

clean: ## remove the built book and all caches; .venv, runs and frozen outputs stay
	rm -rf _build .pytest_cache .hypothesis .import_linter_cache
	find mirage_lib tools tests -name __pycache__ -type d -prune -exec rm -rf {} +
