# cuecard: `make help` lists what there is. Each target sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_HOME ?= .demo
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help install demo test check lint types imports unit test-peers fuzz-api serve eval bench baseline clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with everything in it, and prepare the default embedding model

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: install ## ingest the bundled corpus and ask three questions
	@$(BIN)/cuecard ingest corpus --home $(DEMO_HOME)
	@for question in \
	  "How do you keep a cache from being stampeded when a hot key expires?" \
	  "our pods get killed in the middle of requests on every rollout" \
	  "How do I tune the JVM garbage collector for low pauses?"; do \
	    printf '\n\n%s %s\n\n' '$$ cuecard ask' "\"$$question\""; \
	    $(BIN)/cuecard ask "$$question" --home $(DEMO_HOME) || exit 1; \
	done
	@printf '\n%s\n%s\n%s\n%s\n' \
	  "That was the bundled corpus in ./corpus. To go on with your own notes:" \
	  "  $(BIN)/cuecard ingest ~/my-notes      then    $(BIN)/cuecard ask \"...\"" \
	  "  $(BIN)/cuecard serve                  the same over HTTP, on http://127.0.0.1:8000" \
	  "  corpus/README.md shows how to write notes that are found."

test: check unit ## everything CI runs: lint, types, import rules, tests

check: lint types imports ## ruff, mypy --strict, import-linter

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

# two files at a time: much of a test's time is spent waiting for processes and servers of its own
unit: install ## only the tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-peers: install ## the tests of the systems that `cuecard eval latency` compares with, after installing them
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	$(BIN)/python -m pytest tests/eval/test_latency_peers.py

fuzz-api: install ## ask every route much more of what OpenAPI allows, and what it does not (some minutes)
	FUZZ_API_EXAMPLES=300 $(BIN)/python -m pytest tests/service/test_schemathesis.py

serve: install ## serve the demo's home on http://127.0.0.1:8000
	$(BIN)/cuecard serve --home $(DEMO_HOME)

eval: install ## score retrieval over the bundled corpus
	@$(BIN)/cuecard ingest corpus --home $(DEMO_HOME)
	$(BIN)/cuecard eval retrieval --home $(DEMO_HOME) --queries eval/data/corpus_queries.jsonl

baseline: install ## remake the figures that the tests hold every change against (eval/data/baseline)
	@$(BIN)/cuecard ingest corpus --home $(DEMO_HOME)
	$(BIN)/cuecard eval retrieval --home $(DEMO_HOME) --queries eval/data/corpus_queries.jsonl --output eval/data/baseline/retrieval
	$(BIN)/cuecard eval answers --home $(DEMO_HOME) --queries eval/data/corpus_queries.jsonl --output eval/data/baseline/answers
	@# the page is made of the same figures; the run beside them, without the passages' texts, is cuecard.trec
	@rm -f eval/data/baseline/retrieval/runs/cuecard.jsonl eval/data/baseline/*/report.html

bench: install ## how long everything takes, beside peers (those of the extra `bench` that are installed)
	$(BIN)/cuecard eval latency --sizes 1000,20000

clean: ## remove the environment and the demo's home
	rm -rf $(VENV) $(DEMO_HOME) build dist *.egg-info
