"""Inputs of the benchmarks: a random model, top-k coders for it and a corpus, on disk, from a fixed seed.

The shapes and formats are those of real ones, so everything costs what it costs a user; what is learnt, and what the
latents mean, does not matter to speed and memory.
"""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHAPES: dict[str, dict[str, Any]] = {
    "cpu": {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 768},
    # As wide and deep as Gemma-2-2B, with the demo's vocabulary.
    "cuda": {"hidden_size": 2304, "num_hidden_layers": 26, "num_attention_heads": 8, "intermediate_size": 9216},
    # The same up to the middle layer, which prep runs no further than, with the heads of the real ones.
    "gemma-2-2b": {
        "hidden_size": 2304, "num_hidden_layers": 14, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 256, "intermediate_size": 9216,
    },
    "gemma-2-9b": {
        "hidden_size": 3584, "num_hidden_layers": 22, "num_attention_heads": 16, "num_key_value_heads": 8,
        "head_dim": 256, "intermediate_size": 14336,
    },
}  # fmt: skip
"""Sizes of the model, by its shape: small for a CPU, or a known model's."""
K = 32


def subject(folder: Path, shape: str) -> Path:
    """Save a random Llama with the demo's tokenizer, unless it is there; return its folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from inspect_autointerp.builtin import demo

    target = folder / f"subject-{shape}"
    if not target.exists():
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=4096, max_position_embeddings=512, bos_token_id=0, eos_token_id=0, **SHAPES[shape]
        )
        if shape == "cpu":
            model: Any = LlamaForCausalLM(config)
        else:  # billions of random numbers take a CPU minutes
            with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
                model = LlamaForCausalLM(config)
            model.to(torch.bfloat16)
        model.save_pretrained(target)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(demo.SUBJECT / name, target / name)
    return target


def coders(folder: Path, shape: str, latents: int, hookpoints: int) -> list[Path]:
    """Save random top-k SAEs as SAELens does, unless they are there; return their folders.

    One belongs to the layer past the middle, several to the first layers. A model that is cut off after its middle
    layer has them at its last layers.
    """
    sizes = SHAPES[shape]
    depth = sizes["num_hidden_layers"]
    if shape.startswith("gemma"):
        layers = range(depth - hookpoints, depth)
    else:
        layers = [depth // 2] if hookpoints == 1 else range(hookpoints)
    return [_coder(folder, sizes["hidden_size"], latents, f"layers.{layer}") for layer in layers]


def _coder(folder: Path, width: int, latents: int, hookpoint: str) -> Path:
    import torch
    from sae_lens.registry import get_sae_class

    target = folder / f"{width}-{latents}-{hookpoint}"
    if not target.exists():
        torch.manual_seed(latents)
        sae_class, config_class = get_sae_class("topk")
        more: dict[str, Any] = {"k": K}
        sae: Any = sae_class(config_class(d_in=width, d_sae=latents, **more, dtype="float32", device="cpu"))
        sae.cfg.metadata.hf_hook_name = hookpoint
        with torch.no_grad():
            sae.W_dec.normal_()
            sae.W_dec /= sae.W_dec.norm(dim=1, keepdim=True)
            sae.W_enc.copy_(sae.W_dec.T)
        sae.save_model(target)
    return target


def corpus(folder: Path) -> Path:
    """Write documents as text files, unless they are there; return their folder.

    The standard library's 2.7 million tokens, and then the same documents with their lines in another order: further
    tokens that are no copies, whose windows and hashes are their own.
    """
    target = folder / "corpus"
    if not target.exists():
        target.mkdir()
        for number, text in enumerate(_texts(passes=2)):
            (target / f"{number:06}.txt").write_text(text, encoding="utf-8", errors="replace")
    return target


def _texts(passes: int) -> Iterator[str]:
    from inspect_autointerp.prep.corpus.documents import stdlib_documents

    for number in range(passes):
        for text in stdlib_documents():
            lines = text.splitlines(keepends=True)
            if number:
                random.Random(number).shuffle(lines)
            yield "".join(lines)
