# Two commands do all the set-up: `make demo` and `make test`. The same without make is in the README.
PYTHON ?= python3
VENV ?= .venv
# How many of the demo's latents to evaluate: `make demo LATENTS=20` is a quick look.
LATENTS ?= 100

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
LEXICAL := inspect_autointerp/lexical
LOGS := logs/demo-$(LATENTS)
SOURCES := $(wildcard tasks/*.py solvers/*.py scorers/*.py prep/*.py prep/*/*.py src/inspect_autointerp/*.py \
	src/inspect_autointerp/lexical/*.py)

.SECONDARY:
.PHONY: demo test lint format docs site wheel clean

demo: $(LOGS)/explain/.done $(LOGS)/shuffled/.done $(LOGS)/empty/.done
	@$(BIN)/autointerp leaderboard $(LOGS)
	@printf '\nGo on with:\n\n'
	@printf '  See every prompt, answer and context in the browser:\n    %s/inspect view --log-dir %s\n\n' $(BIN) $(LOGS)
	@printf '  Let a language model explain and grade (needs its package and API key):\n    %s\n      %s\n\n' \
		'$(BIN)/pip install openai && $(BIN)/inspect eval tasks/detection.py --model openai/gpt-4o-mini \' \
		'-T grader=openai/gpt-4o-mini'
	@printf '  Make contexts of a model and SAE of your own, then evaluate with -T store=contexts/gpt2:\n    %s\n      %s\n' \
		'$(BIN)/autointerp prep gpt2 --coder gpt2-small-res-jb:blocks.8.hook_resid_pre \' \
		'--corpus Salesforce/wikitext:wikitext-103-raw-v1 --tokens 2000000 -o contexts/gpt2'

# One evaluation per explainer; a log that is there is not made again unless the code changed.
$(LOGS)/%/.done: $(VENV)/.prep $(SOURCES)
	@$(BIN)/python -m inspect_autointerp.builtin.demo
	@rm -rf $(@D)
	$(BIN)/inspect eval tasks/detection.py --model $(LEXICAL) -T grader=$(LEXICAL) -T explainer=$* \
		-T latents=sample:$(LATENTS) --log-dir $(@D) --no-log-realtime
	@touch $@

test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# The documentation site, with every link, command, option and runnable block in it checked; `site` only builds it.
docs: $(VENV)/.test site
	$(BIN)/python -m pytest tests/repository/test_docs.py tests/repository/test_docs_commands.py \
		tests/repository/test_public_api.py tests/examples

site: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean
	@printf 'Open site/index.html\n'

wheel: $(VENV)/.test
	$(BIN)/python -m build --outdir dist

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed; name one: make PYTHON=python3.12'; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Each extra is installed once, and again when its requirements change.
$(VENV)/.%: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing the extra $* into $(VENV) (a few minutes the first time) …'
	@$(PIP) -e '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) build dist site src/*.egg-info
