# demo: the console on a real practice cluster · test: everything CI runs · check: fast, no root · docs: the site · pictures: take the README's again
.DEFAULT_GOAL := help
.PHONY: help docs pictures demo test programs check format lint types unit quick hosts nightly chaos lock clean
SHELL := /bin/bash
VENV ?= .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
# Generated inputs against the programs that read them, and against damage: few in `make test`, many nightly.
ORACLES := $(wildcard tests/unit/*/test_*_oracle.py) tests/unit/probes/test_robustness.py
# The program is started hundreds of times: without compiled files each start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

help:
	@sed -n '1s/^# //p' Makefile

$(READY): requirements.lock pyproject.toml tests/tools/make-venv
	@tests/tools/make-venv $(VENV)
	@touch $@

demo: $(READY)
	@$(PYTHON) -m haconsole lab prepare || echo "no practice hosts here: a recording is shown"
	@$(PYTHON) -m haconsole demo

check: programs $(READY)
	@$(MAKE) --no-print-directory -j 3 -O lint types quick

lint: programs $(READY)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(PYTHON) -m tests.lint.language
	$(PYTHON) -m tests.lint.scripts

format: $(READY)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

types: $(READY)
	$(VENV)/bin/mypy

unit: programs $(READY)
	$(PYTHON) -m pytest -q -n 3 tests/unit

quick: programs $(READY)
	$(PYTHON) -m pytest -q -n 3 -m "not nightly and not thorough" --snapshot-warn-unused tests/unit

test: lint types unit hosts

programs:
	@tests/tools/install-programs

hosts: programs $(READY)
	@$(PYTHON) -m haconsole lab prepare --kubeadm
	@$(PYTHON) -m haconsole lab prepare
	@$(PYTHON) -m haconsole lab prepare --debian trixie
	$(PYTHON) -m pytest -q -n 2 --dist loadgroup --no-loadscope-reorder --reruns 1 tests/hosts

nightly: $(READY)
	@$(PYTHON) -m haconsole lab prepare --kubeadm
	@$(PYTHON) -m haconsole lab prepare
	$(PYTHON) -m pytest -q --reruns 1 -m nightly tests/hosts
	HACONSOLE_ORACLE_EXAMPLES=500 HACONSOLE_ORACLE_SEED=$$(date +%j000) HACONSOLE_EXAMPLES=2000 \
		$(PYTHON) -m pytest -q -o timeout=7200 $(ORACLES)

chaos: $(READY)
	@$(PYTHON) -m haconsole lab prepare
	$(PYTHON) -m tests.hosts.chaos

docs: $(READY)
	$(VENV)/bin/mkdocs build -q
	@echo build/site/index.html

pictures: $(READY)
	@$(PYTHON) -m haconsole lab prepare
	$(PYTHON) -m tests.tools.pictures

lock: $(READY)
	$(VENV)/bin/pip install -q pip-tools
	$(VENV)/bin/pip-compile -q --strip-extras --extra dev --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
