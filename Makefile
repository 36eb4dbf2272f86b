# Two commands do all the set-up: `make demo` and `make test`. The same without make is in the README.
PYTHON ?= python3
VENV ?= .venv
# How many latents to evaluate: `make demo LATENTS=20` is a quick look, 100 are all that the packaged store has.
LATENTS ?= 50
# Where the packaged store has SAE latents, and the neurons that they are compared with.
SAE ?= layers.12
NEURONS ?= layers.12.mlp.down_proj:input

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
LEXICAL := inspect_autointerp/lexical
LOGS := logs/demo-$(LATENTS)
PREP_LOGS := logs/demo-prep-$(LATENTS)
EXPLAINERS := explain shuffled empty
SOURCES := $(wildcard tasks/*.py solvers/*.py scorers/*.py scorers/*/*.py src/inspect_autointerp/*.py \
	src/inspect_autointerp/*/*.py src/inspect_autointerp/builtin/*/*.py)
PREP_SOURCES := $(SOURCES) $(wildcard prep/*.py prep/*/*.py)
EVALUATE = $(BIN)/inspect eval tasks/detection.py --model $(LEXICAL) -T grader=$(LEXICAL) \
	-T latents=sample:$(LATENTS) --no-log-realtime --log-dir $(@D) -T explainer=$(notdir $(@D))

# How each step of the demo is announced.
STEP_sae/explain := 1
STEP_sae/shuffled := 2
STEP_sae/empty := 3
STEP_neurons/explain := 4
STEP_neurons/shuffled := 5
STEP_neurons/empty := 6
ABOUT_explain := the lexical baseline explains and grades
ABOUT_shuffled := a floor, each explained by the explanation of another
ABOUT_empty := a floor without explanations
announce = @printf '\n%s/6 %s of %s: %s (about 20 seconds)\n' $(STEP_$(1)/$(3)) '$(LATENTS) $(2)' SmolLM2 '$(ABOUT_$(3))'

.SECONDARY:
.PHONY: demo demo-prep test lint format docs site wheel clean

# The store that the package ships, without torch: SAE latents and neurons of SmolLM2.
demo: $(EXPLAINERS:%=$(LOGS)/sae/%/.done) $(EXPLAINERS:%=$(LOGS)/neurons/%/.done)
	@printf '\nSAE latents ($(SAE)):\n\n'
	@$(BIN)/autointerp leaderboard $(LOGS)/sae
	@printf '\nNeurons ($(NEURONS)):\n\n'
	@$(BIN)/autointerp leaderboard $(LOGS)/neurons
	@$(BIN)/python -m inspect_autointerp.leaderboard.show.demo_sentence $(LOGS)
	@printf '\nGo on with:\n\n'
	@printf '  See every prompt, answer and context in the browser:\n    %s/inspect view --log-dir %s\n\n' $(BIN) $(LOGS)
	@printf '  Look at one latent:\n    %s/autointerp show smollm2 %s --random 1\n\n' $(BIN) $(SAE)
	@printf '  Let a language model explain and grade (needs its package and API key):\n    %s\n      %s\n\n' \
		'$(BIN)/pip install openai && $(BIN)/inspect eval tasks/detection.py --model openai/gpt-4o-mini \' \
		'--model-role grader=openai/gpt-4o --log-dir logs/mine'
	@printf '  Then another explainer by the same grader, and compare the two:\n    %s\n      %s\n    %s\n\n' \
		'$(BIN)/inspect eval tasks/detection.py --model openai/gpt-4o --model-role grader=openai/gpt-4o \' \
		'--log-dir logs/mine' '$(BIN)/autointerp leaderboard logs/mine --differences'
	@printf '  Make a store of a model and SAE of your own (`make demo-prep` installs what it needs, and tries it):\n    %s\n      %s\n' \
		'$(BIN)/autointerp prep gpt2 --coder gpt2-small-res-jb:blocks.8.hook_resid_pre \' \
		'--corpus Salesforce/wikitext:wikitext-103-raw-v1 --tokens 10000000 --device cuda -o contexts/gpt2'

# A store made live, of the tiny model that this project trained.
demo-prep: $(EXPLAINERS:%=$(PREP_LOGS)/%/.done)
	@$(BIN)/autointerp leaderboard $(PREP_LOGS)

# One evaluation per explainer; a log that is there is not made again unless the code changed.
$(LOGS)/sae/%/.done: $(VENV)/.base $(SOURCES)
	@rm -rf $(@D)
	$(call announce,sae,SAE latents,$*)
	@$(EVALUATE) -T hookpoint=$(SAE)
	@touch $@

$(LOGS)/neurons/%/.done: $(VENV)/.base $(SOURCES)
	@rm -rf $(@D)
	$(call announce,neurons,neurons,$*)
	@$(EVALUATE) -T hookpoint=$(NEURONS)
	@touch $@

$(PREP_LOGS)/%/.done: $(VENV)/.prep $(PREP_SOURCES)
	@$(BIN)/python -m inspect_autointerp.builtin.demo
	@rm -rf $(@D)
	$(EVALUATE) -T store=demo
	@touch $@

# One thread for each worker: torch's own threads would wait for one another, at a third more of the CPU's time.
test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/.test $(VENV)/.lint
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

# The package alone: evaluations and the leaderboard, without torch.
$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing the package into $(VENV) (a minute the first time) …'
	@$(PIP) -e .
	@touch $@

# Each extra is installed once, and again when its requirements change.
$(VENV)/.%: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing the extra $* into $(VENV) (a few minutes the first time) …'
	@$(PIP) -e '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) build dist site src/*.egg-info
