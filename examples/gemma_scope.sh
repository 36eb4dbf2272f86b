#!/usr/bin/env bash
# Gemma 2 2B with Gemma Scope: several scores of one explanation, harder negatives, a random coder as a floor.
#
# Needs `pip install -e '.[prep]' openai`, a GPU with 16 GB, Gemma's licence accepted on the Hugging Face Hub and
# `hf auth login`, and OPENAI_API_KEY. This project could run it only with the variables below set to a small local
# model and the lexical baseline (tests/examples/test_examples.py).
set -euo pipefail

SUBJECT=${SUBJECT:-google/gemma-2-2b}
CODER=${CODER:-gemma-scope-2b-pt-res-canonical:layer_12/width_16k/canonical}
FLOOR_CODER=${FLOOR_CODER:-random:16384x50}
HOOKPOINT=${HOOKPOINT:-layers.12}
CORPUS=${CORPUS:-monology/pile-uncopyrighted}
TOKENS=${TOKENS:-10000000}
CONTEXT_LENGTH=${CONTEXT_LENGTH:-256}
DEVICE=${DEVICE:-cuda}
EXPLAINER=${EXPLAINER:-openai/gpt-4o-mini}
GRADER=${GRADER:-openai/gpt-4o-mini}
SCORES=${SCORES:-detection,fuzzing,embedding}
LATENTS=${LATENTS:-sample:200}
STORE=${STORE:-contexts/gemma}
LOGS=${LOGS:-logs/gemma}

# 1. Two stores over the same text: the SAE, and a random coder of the same width.
prepare() {
  if [ ! -e "$2/manifest.json" ]; then
    autointerp prep "$SUBJECT" --coder "$1" --hookpoint "$HOOKPOINT" --corpus "$CORPUS" --tokens "$TOKENS" \
      --context-length "$CONTEXT_LENGTH" --dtype "${DTYPE:-bfloat16}" --device "$DEVICE" --resume -o "$2"
  fi
}
prepare "$CODER" "$STORE"
prepare "$FLOOR_CODER" "$STORE-random"

# 2. Harder negatives: windows of latents that often fire together, and texts that read alike.
autointerp negatives "$STORE"

# 3. One explanation per latent, graded by several scores.
evaluate() {
  inspect eval inspect_autointerp/multi_score --model "$EXPLAINER" --model-role "grader=$GRADER" --log-dir "$LOGS" \
    --max-retries 5 -T "scores=$SCORES" -T "latents=$LATENTS" "$@"
}
evaluate -T "store=$STORE" -T negatives=all
evaluate -T "store=$STORE" -T negatives=all -T explainer=shuffled
evaluate -T "store=$STORE-random"

# 4. The comparison, with a page to publish: pip install -e '.[page]'
autointerp leaderboard "$LOGS" --full ${PAGE:+--html "$PAGE"}
