# Where uv is missing, one of its own is kept in .uv/, also for the projects that are made here.
ifneq ($(shell uv --version > /dev/null 2>&1 && echo found), found)
    UV := .uv/bin/uv
    export PATH := $(CURDIR)/.uv/bin:$(PATH)
endif
# What one of many processes has compiled, the others need not.
unexport PYTHONDONTWRITEBYTECODE
RUN := uv run --frozen
FAST := -m "not exhaustive"
# In the order of tests/conftest.py: xdist alone keeps the longest tests for the end.
PYTEST := $(RUN) pytest -n 2 --dist loadgroup --no-loadscope-reorder --durations=10
SERVERS := tools/install-servers.sh redis rabbitmq postgresql chromium promtool

TARGETS := try new check test test-all soak compare benchmark growth limits speed faults switching image docs lint format screenshot
.DEFAULT_GOAL := help
.PHONY: help $(TARGETS)
$(TARGETS): | $(UV)

help: ## List what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# Answers such as broker=rabbitmq are variables to make: here they are words for the shell, quoted.
given = $(filter command,$(origin $(1)))
define newline


endef
one_line = $(if $(findstring $(newline),$(value $(1))),$(error $(1) holds a line break: use one line))
quoted = $(one_line)'$(1)=$(subst ','\'',$(value $(1)))'
ANSWERS = $(foreach name,$(.VARIABLES),$(if $(call given,$(name)),$(call quoted,$(name))))

try: ## Make a project and see its tasks at work, with other answers too: make try broker=rabbitmq
	@MAKEFLAGS= $(RUN) --no-dev python -m tools.try_project $(ANSWERS)

new: ## Answer the questions and get a project: make new into=~/code
	@MAKEFLAGS= $(RUN) --no-dev python -m tools.new $(ANSWERS)

check: lint ## Lint, and test what is rendered, in under a minute
	@$(PYTEST) --quiet $(FAST) tests/rendering tests/test_hooks.py tests/test_template.py

test: lint ## Lint, and test each choice and each pair of choices on real servers, in ten minutes
	@$(SERVERS) || [ "$$CI" != true ]
	@$(PYTEST) $(FAST)

test-all: lint ## Test every combination, in an hour, and write docs/faults.md and docs/switching.md
	@$(SERVERS)
	@$(PYTEST) tests --write-table docs/faults.md
	@$(RUN) python -m tools.switching

soak: ## Run `make test` many times, and count what failed: make soak times=10 busy=true
	@MAKEFLAGS= $(RUN) python -m tools.soak $(ANSWERS)

compare: ## Measure brokers and result backends: make compare brokers="redis rabbitmq"
	@tools/install-servers.sh redis rabbitmq postgresql
	@MAKEFLAGS= $(RUN) python -m benchmarks.compare $(ANSWERS)

benchmark: ## Measure projects beside cookiecutter-django's wiring, and the targets
	@tools/install-servers.sh redis rabbitmq postgresql
	@MAKEFLAGS= $(RUN) python -m benchmarks.targets $(ANSWERS)

growth: ## Measure how cost grows with waiting tasks, their size, processes, queues and chords
	@tools/install-servers.sh redis rabbitmq postgresql
	@MAKEFLAGS= $(RUN) python -m benchmarks.growth $(ANSWERS)

limits: ## Measure what Redis and RabbitMQ could carry, without Celery
	@tools/install-servers.sh redis rabbitmq
	@MAKEFLAGS= $(RUN) python -m benchmarks.limits $(ANSWERS)

speed: ## Measure how long the template itself takes
	@$(RUN) pytest benchmarks/test_template.py

faults: ## Kill what a project needs, and write into docs/faults.md what became of its tasks
	@tools/install-servers.sh redis rabbitmq postgresql
	@$(PYTEST) tests/faults --write-table docs/faults.md

switching: ## Write into docs/switching.md how much each change of broker or result backend changes
	@$(RUN) python -m tools.switching

image: ## Build the image of a project, without Docker, and run its processes
	@tools/install-servers.sh redis buildah debootstrap
	@$(RUN) pytest tests/image.py --durations=3 -rA

docs: ## Write docs/questions.md and docs/settings.md
	@$(RUN) python -m tools.reference

lint: ## Find mistakes in style and types
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy

format: ## Mend what can be mended by itself
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

screenshot: ## Take the picture of the demo that README.md shows
	@$(RUN) python -m tools.screenshot

.uv/bin/uv:
	@python3 -m venv .uv/venv
	@.uv/venv/bin/pip install --quiet --disable-pip-version-check uv
	@mkdir -p .uv/bin && ln -sf ../venv/bin/uv ../venv/bin/uvx .uv/bin/
