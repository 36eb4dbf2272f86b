"""Padded prompts and their cache, against each prompt alone and in full."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from tests.small_models import small_config

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.engines.decoding import Continuation, Prompts
from inspect_autointerp.prep.subject.subject import Subject

SMALL: dict[str, Any] = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
MODELS: dict[str, dict[str, Any]] = {
    "llama": {"intermediate_size": 48, "num_key_value_heads": 2},
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64},
    "gpt_neox": {"intermediate_size": 48},
    # Half its layers see six tokens back and no further, fewer than the prompts have.
    "gemma2": {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 6},
}
RECURRENT = "mamba mamba2 falcon_mamba qwen3_5_text qwen3_next jamba bamba zamba2 falcon_h1 nemotron_h lfm2 olmo_hybrid"
"""Those with recurrent or convolutional layers, some beside attention: they are not padded."""
PROMPTS = [[5, 1, 2, 3, 4, 9, 11, 12, 13], [7], [8, 8], [3, 1, 4, 1, 5, 9]]


def subject(model_type: str, attention: str) -> Subject:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    if model_type in MODELS:
        config = AutoConfig.for_model(model_type, **(SMALL | MODELS[model_type]), attn_implementation=attention)
    else:
        config = small_config(model_type)
    model = AutoModelForCausalLM.from_config(config).eval()
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.data *= 4  # sharper than a random model is
    return cast(Subject, SimpleNamespace(model=model, base=model.base_model, device=torch.device("cpu")))


@pytest.mark.parametrize(
    ("model_type", "attention"),
    [
        *((model_type, "eager") for model_type in [*MODELS, *RECURRENT.split()]),
        *(("llama", "sdpa"), ("gpt2", "sdpa")),
    ],
)
def test_a_row_is_what_its_prompt_gives_alone_and_in_full(model_type: str, attention: str) -> None:
    loaded = subject(model_type, attention)
    new = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]])
    with torch.inference_mode():
        prompts = Prompts(loaded, PROMPTS)
        first, second = Continuation(prompts), Continuation(prompts)
        steps = [first.step(ids) for ids in (prompts.last, *new.T)]
        again = [second.step(ids) for ids in (prompts.last, *new.T)]
        assert all(map(torch.equal, steps, again)), "a continuation leaves the prompts as they were"
        prompts.keep(torch.tensor([3, 1]))
        kept = Continuation(prompts).step(prompts.last)
        for row, prompt in enumerate(PROMPTS):
            whole = loaded.model(torch.tensor([[*prompt, *new[row].tolist()]]), use_cache=False).logits.log_softmax(-1)
            logits = torch.stack([step[row] for step in steps])
            torch.testing.assert_close(logits, whole[0, len(prompt) - 1 :], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(kept, steps[0][[3, 1]], rtol=0, atol=1e-5)


@pytest.mark.parametrize("model_type", ["rwkv", "recurrent_gemma"])
def test_a_subject_with_a_state_outside_its_cache_is_refused(model_type: str) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(small_config(model_type)).eval()
    loaded = SimpleNamespace(model=model, base=model.base_model, device=torch.device("cpu"), source="it")
    with torch.inference_mode(), pytest.raises(UserError, match=r"^steering: it carries more from token to token"):
        Prompts(cast(Subject, loaded), PROMPTS)
