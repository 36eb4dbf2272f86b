"""Coders of SmolLM2-135M-Instruct, as data: see README.md. `inspect_autointerp.builtin.smollm2` finds them."""
