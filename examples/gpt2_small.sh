#!/usr/bin/env bash
# GPT-2 small with a published SAE: make a store, look at it, compare two explainers and a floor.
#
# Needs `pip install -e '.[prep]' openai`, a GPU, the Hugging Face Hub, and OPENAI_API_KEY. This project could run it
# only with the variables below set to a small local model and the lexical baseline (tests/examples/test_examples.py).
set -euo pipefail

SUBJECT=${SUBJECT:-gpt2}
CODER=${CODER:-gpt2-small-res-jb:blocks.8.hook_resid_pre}
CORPUS=${CORPUS:-Salesforce/wikitext:wikitext-103-raw-v1}
TOKENS=${TOKENS:-10000000}
CONTEXT_LENGTH=${CONTEXT_LENGTH:-256}
DEVICE=${DEVICE:-cuda}
EXPLAINERS=${EXPLAINERS:-openai/gpt-4o-mini openai/gpt-4o}
GRADER=${GRADER:-openai/gpt-4o-mini}
LATENTS=${LATENTS:-sample:200}
STORE=${STORE:-contexts/gpt2}
LOGS=${LOGS:-logs/gpt2}

# 1. The store. --resume continues an interrupted run.
if [ ! -e "$STORE/manifest.json" ]; then
  autointerp prep "$SUBJECT" --coder "$CODER" --corpus "$CORPUS" --tokens "$TOKENS" \
    --context-length "$CONTEXT_LENGTH" --device "$DEVICE" --resume -o "$STORE"
fi
autointerp stats "$STORE"

# 2. What it will cost.
autointerp cost detection --store "$STORE" --latents "$LATENTS" --model "${EXPLAINERS%% *}" --grader "$GRADER"

# 3. The explainers, and the floor of the first one. Explanations are cached, so the floor asks the grader alone.
for explainer in $EXPLAINERS; do
  inspect eval inspect_autointerp/detection --model "$explainer" --model-role "grader=$GRADER" --log-dir "$LOGS" \
    --max-retries 5 -T "store=$STORE" -T "latents=$LATENTS"
done
inspect eval inspect_autointerp/detection --model "${EXPLAINERS%% *}" --model-role "grader=$GRADER" --log-dir "$LOGS" \
  --max-retries 5 -T "store=$STORE" -T "latents=$LATENTS" -T explainer=shuffled

# 4. The comparison.
autointerp leaderboard "$LOGS" --differences
