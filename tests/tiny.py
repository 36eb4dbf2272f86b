"""Tiny random language models, whose tokenizer merges some characters."""

from collections.abc import Callable
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    RecurrentGemmaConfig,
    RecurrentGemmaForCausalLM,
)

from inspect_autointerp.models.likelihood.local import LocalLikelihood

_SMALL: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 300, "max_position_embeddings": 256,
}  # fmt: skip


def byte_level(bos: bool, merges: list[tuple[str, str]]) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer; merges are given as characters of its alphabet."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<|bos|>", *alphabet, *dict.fromkeys(a + b for a, b in merges)]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **({"bos_token": "<|bos|>"} if bos else {}))


MERGES = [("a", "b"), ("Ġ", "t"), ("Ġt", "h"), ("Ġth", "e"), (":", "Ċ"), ("n", "o"), ("no", "t")]


def llama() -> Any:
    return LlamaForCausalLM(LlamaConfig(**_SMALL))


def gpt2() -> Any:
    return GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=4, n_positions=256))


def mistral() -> Any:
    return MistralForCausalLM(MistralConfig(**_SMALL, sliding_window=7))


def gemma2() -> Any:
    return Gemma2ForCausalLM(Gemma2Config(**_SMALL, head_dim=8, sliding_window=7, final_logit_softcapping=1.5))


def mamba() -> Any:
    return MambaForCausalLM(MambaConfig(vocab_size=300, hidden_size=16, num_hidden_layers=2, state_size=4))


def recurrent_gemma() -> Any:
    return RecurrentGemmaForCausalLM(RecurrentGemmaConfig(**_SMALL, attention_window_size=16))


def engine(make: Callable[[], Any], bos: bool = True) -> LocalLikelihood:
    """A likelihood engine in float64, in which the order of a sum does not show: processors differ in float32."""
    torch.manual_seed(0)
    model = make().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)  # at their initial scale all tokens are alike
    return LocalLikelihood(model, byte_level(bos, MERGES))
