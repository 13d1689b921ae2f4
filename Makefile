# If uv is missing, it is installed in .uv/. Projects that are made here use it, too.
ifneq ($(shell uv --version > /dev/null 2>&1 && echo found), found)
    UV := .uv/bin/uv
    export PATH := $(CURDIR)/.uv/bin:$(PATH)
endif
# Processes share compiled bytecode.
unexport PYTHONDONTWRITEBYTECODE
# With its path: macOS's make does not look for commands in a PATH that is set here.
RUN := $(or $(UV),uv) run --frozen
FAST := -m "not exhaustive"
# Keep the order of tests/conftest.py: xdist would run the longest tests last.
PYTEST := $(RUN) pytest -n 2 --dist loadgroup --no-loadscope-reorder --durations=10
SERVERS := tools/install-servers.sh servers chromium promtool

TARGETS := try new check test test-all soak compare benchmark growth limits profile speed faults switching image docs example lint format screenshot
.DEFAULT_GOAL := help
.PHONY: help $(TARGETS)
$(TARGETS): | $(UV)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s%s\n", $$1, $$2 }' Makefile

# Answers such as broker=rabbitmq are variables of make. Quote them as words for the shell.
given = $(filter command,$(origin $(1)))
define newline


endef
one_line = $(if $(findstring $(newline),$(value $(1))),$(error $(1) holds a line break: use one line))
quoted = $(one_line)'$(1)=$(subst ','\'',$(value $(1)))'
ANSWERS = $(foreach name,$(.VARIABLES),$(if $(call given,$(name)),$(call quoted,$(name))))

try: ## Make a project and watch its tasks run: make try broker=rabbitmq
	@MAKEFLAGS= $(RUN) --no-dev python -m tools.try_project $(ANSWERS)

new: ## Answer the questions and get a project: make new into=~/code
	@MAKEFLAGS= $(RUN) --no-dev python -m tools.new $(ANSWERS)

check: lint ## Lint, and test the rendered files without a server
	@$(PYTEST) --quiet $(FAST) tests/rendering tests/test_hooks.py tests/test_template.py

test: lint ## Lint, render every pair of answers, and test a project on each broker, in ten minutes
	@$(SERVERS) || [ "$$CI" != true ]
	@$(PYTEST) $(FAST)

test-all: lint ## Test every combination, in an hour; write docs/faults.md and docs/switching.md
	@$(SERVERS)
	@$(PYTEST) -n 4 tests --write-table docs/faults.md
	@$(RUN) python -m tools.switching

soak: ## Run `make test` repeatedly and count the failures: make soak times=10 busy=true
	@MAKEFLAGS= $(RUN) python -m tools.soak $(ANSWERS)

compare: ## Measure brokers and result backends side by side: make compare brokers="redis rabbitmq"
	@tools/install-servers.sh servers
	@MAKEFLAGS= $(RUN) python -m benchmarks.compare $(ANSWERS)

benchmark: ## Compare projects with cookiecutter-django's setup, and check the targets
	@tools/install-servers.sh servers
	@MAKEFLAGS= $(RUN) python -m benchmarks.targets $(ANSWERS)

growth: ## Measure how cost grows with queue length, message size, processes, queues and chords
	@tools/install-servers.sh servers
	@MAKEFLAGS= $(RUN) python -m benchmarks.growth $(ANSWERS)

limits: ## Measure how fast Redis and RabbitMQ are without Celery
	@tools/install-servers.sh redis rabbitmq
	@MAKEFLAGS= $(RUN) python -m benchmarks.limits $(ANSWERS)

profile: ## Show which package a task's CPU time is spent in
	@tools/install-servers.sh servers
	@MAKEFLAGS= $(RUN) --with py-spy python -m benchmarks.profile $(ANSWERS)

speed: ## Measure how long the template takes to make a project
	@$(RUN) pytest benchmarks/test_template.py

faults: ## Kill workers, brokers and databases, and count lost tasks in docs/faults.md
	@tools/install-servers.sh servers
	@$(PYTEST) tests/faults --write-table docs/faults.md

switching: ## Count the lines that each switch of a broker or result backend changes: docs/switching.md
	@$(RUN) python -m tools.switching

image: ## Build a project's image without Docker, and run its processes
	@tools/install-servers.sh redis buildah debootstrap
	@$(RUN) pytest tests/image.py --durations=3 -rA

docs: ## Write docs/questions.md and docs/settings.md, and build the documentation in site/
	@$(RUN) python -m tools.reference
	@$(RUN) zensical build --strict

example: ## Write the default project to example/my_project, to read before you make one
	@rm -rf example
	@$(RUN) cookiecutter . --no-input --default-config --output-dir example

lint: ## Check style and types
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy

format: ## Fix what can be fixed automatically
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

screenshot: ## Take the pictures in the docs: docs/try.svg, docs/new.svg, docs/gallery-light.png and -dark
	@$(RUN) python -m tools.record
	@$(RUN) --with scikit-image python -m tools.screenshot

.uv/bin/uv:
# Run elsewhere: here, pyenv would look for the Python of .python-version.
	@cd / && python3 -m venv "$(CURDIR)/.uv/venv"
	@.uv/venv/bin/pip install --quiet --disable-pip-version-check uv
	@mkdir -p .uv/bin && ln -sf ../venv/bin/uv ../venv/bin/uvx .uv/bin/
