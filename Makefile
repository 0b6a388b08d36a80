# flyte.multicluster. Two commands for a fresh machine: make demo, make test.
# PYTHON chooses the interpreter (3.11 to 3.13), FLYTEKIT_PYTHON flytekit's (up to 3.12), FLYTE_CHART the chart (a folder or a .tgz; default: the lab's stand-in),
# CHROMIUM the browser.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
COLLECTION := .collections/ansible_collections/flyte/multicluster
SITE := $(BIN)/ansible-playbook -i inventories/lab playbooks/site.yml
INTEGRATION := $(BIN)/nox --reuse-existing-virtualenvs --no-install --session integration -- tests/integration
export ANSIBLE_FORCE_COLOR ?= 0
export PYTHONUNBUFFERED := 1
# Compiled modules are kept where they are imported from: without them each process compiles hundreds of modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench browser help interruptions setup binaries demo test test-of-site test-of-built-site test-of-own-labs test-of-roles test-without-lab lint types unit sanity molecule integration docs packaging lab-up lab-down clean

help:
	@echo "make demo         the main job on the lab: three clusters, workflows placed by label"
	@echo "make test         all tests"
	@echo "make lab-up       bring the lab up; then: $(SITE)"
	@echo "make lab-down     end the lab"
	@echo "make lint types unit sanity docs packaging molecule integration: one part of the tests (.venv/bin/nox -Re NAME does the same)"
	@echo "make bench        time against the stock modules and a shell script (BENCH=--quick: without the slowest)"
	@echo "make interruptions  rotate and remove a cluster, killed at each of their tasks: half an hour"
	@echo "make clean        end the lab, remove the virtual environment"

$(VENV)/.ready: tests/requirements.txt tests/requirements-unit.txt
	@echo "== setting up $(VENV) with $$($(PYTHON) --version): 1 to 3 minutes the first time"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement tests/requirements.txt
	@touch $@

# flytekit has an environment of its own, made with the first of these that it supports and that can make one.
$(VENV)-flytekit/.ready: tests/requirements-flytekit.txt
	@rm -rf $(VENV)-flytekit
	@for python in $(FLYTEKIT_PYTHON) $(PYTHON) python3.12 python3.11 python3.10 $(wildcard $(HOME)/.pyenv/versions/3.1[012].*/bin/python); do \
	  if $$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null && $$python -m venv $(VENV)-flytekit 2>/dev/null; then \
	    echo "== setting up $(VENV)-flytekit with $$($$python --version): about 1 minute the first time"; \
	    $(VENV)-flytekit/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $< || exit 1; \
	    break; \
	  fi; \
	done
	@[ -x $(VENV)-flytekit/bin/pyflyte ] || { mkdir -p $(VENV)-flytekit; \
	  echo "== no flytekit: it supports Python 3.10 to 3.12, and there is none (FLYTEKIT_PYTHON names one)"; }
	@touch $@

$(VENV)-packaging/.ready: tests/requirements-packaging.txt
	@echo "== setting up $(VENV)-packaging: about 1 minute the first time"
	@$(PYTHON) -m venv $(VENV)-packaging
	@$(VENV)-packaging/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $<
	@touch $@

$(COLLECTION):
	@mkdir -p $(dir $@) && ln -sfn ../../.. $@

setup: $(VENV)/.ready $(VENV)-flytekit/.ready $(COLLECTION)

binaries: setup
	@echo "== binaries of the lab: built once where PATH has none, about 18 minutes on two cores"
	@$(BIN)/python tests/lab/binaries.py

lab-up: setup
	@$(BIN)/python tests/lab/lab.py up

lab-down: setup
	@$(BIN)/python tests/lab/lab.py down

demo: lab-up
	@$(BIN)/python tests/lab/demo.py

# Each check has its command in one place, noxfile.py.
lint types unit sanity docs molecule integration: setup
	@echo "== $@"
	@$(BIN)/nox --reuse-existing-virtualenvs --no-install --session $(subst unit,units,$@) 2>&1

# The page of a status is looked at in a real browser. Where none can be had, that test is left out, and says so.
browser:
	@for name in chromium chromium-browser google-chrome-stable google-chrome; do command -v $$name >/dev/null 2>&1 && exit 0; done; \
	[ -n "$(CHROMIUM)" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "== installing Chromium for the test of the status page: about 1 minute, once"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1 \
	    || echo "== Chromium could not be installed: the test of the status page in a browser is left out"; \
	else \
	  echo "== no Chromium (Debian: apt-get install chromium): the test of the status page in a browser is left out"; \
	fi

unit: browser

packaging: setup $(VENV)-packaging/.ready
	@echo "== $@"
	@$(BIN)/nox --reuse-existing-virtualenvs --session $@ extra-checks 2>&1

# Two at a time: each keeps about one of two cores busy. What needs no lab comes first: meanwhile the lab's binaries are built, where they are not yet.
# A part's output is shown when it has ended.
test: setup
	@echo "== all tests, two parts at a time; meanwhile the lab's binaries are built, where there are none: about 18 minutes, which are told when they are over"
	@$(MAKE) --no-print-directory --jobs=2 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) \
	  test-without-lab test-of-own-labs test-of-built-site test-of-site test-of-roles

test-without-lab: setup
	@for part in lint types sanity docs packaging unit; do $(MAKE) $$part || exit 1; done

test-of-own-labs: binaries
	@echo "== integration, without a lab or on labs of their own"
	@$(INTEGRATION) -m own_lab 2>&1

test-of-built-site: binaries
	@echo "== integration, on a site that is built"
	@$(INTEGRATION) -m built_site 2>&1

test-of-site: binaries
	@echo "== integration, the story of a site"
	@$(INTEGRATION) -m "not own_lab and not built_site" 2>&1

# The integration tests have these scenarios' stories, too: make molecule, and the workflow, run all of them.
test-of-roles: binaries
	@echo "== molecule, without what integration does too"
	@$(BIN)/nox --reuse-existing-virtualenvs --no-install --session molecule -- \
	  $(addprefix --exclude=,adopt controlplane credentials dataplane ecl eks_cluster namespaces remove) 2>&1

# Not part of test: half an hour for what test does at some of their tasks.
interruptions: binaries
	@echo "== rotate.yml and remove.yml, killed at each of their tasks and run again"
	@$(BIN)/nox --reuse-existing-virtualenvs --no-install --session integration -- tests/integration/interruptions.py 2>&1

bench: binaries
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement benchmarks/requirements.txt
	@$(BIN)/python benchmarks/bench.py $(BENCH)

clean: setup
	@$(BIN)/python tests/lab/lab.py down
	@rm -rf $(VENV) $(VENV)-flytekit $(VENV)-packaging .collections .nox build
