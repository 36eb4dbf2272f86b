"""Inputs that both read: documents and tokens that are the same for either, and one SAE in sparsify's format.

Delphi cuts its tokens into rows of 256 and these into windows of 32, across documents. Here windows begin with a
document. So that both see the same rows and the same windows, documents of 1,024 tokens are cut from the corpus. A
piece is left out if its text, tokenized again, gives other tokens.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

CONTEXT, WINDOW = 256, 32
DOCUMENT = 4 * CONTEXT
BATCH = 32
"""Rows in a batch, Delphi's default."""
STEP = BATCH * CONTEXT
"""Delphi drops the last batch if it is not full, so a number of tokens is a multiple of this."""


def whole_batches(tokens: int) -> int:
    """Return the largest number of tokens up to this one that fills all batches.

    Raises:
        ValueError: There is none.
    """
    if tokens < STEP:
        raise ValueError(f"--tokens {tokens}: give at least {STEP:,}, one batch of Delphi's")
    return tokens // STEP * STEP


def pieces(texts: Iterator[str], tokenizer: Any) -> Iterator[tuple[str, list[int]]]:
    """Cut texts into documents of `DOCUMENT` tokens.

    Args:
        texts: The corpus.
        tokenizer: A fast tokenizer of transformers.

    Yields:
        Text and tokens of each document whose text gives these tokens again.
    """
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        for begin in range(0, len(ids) - DOCUMENT + 1, DOCUMENT):
            part = ids[begin : begin + DOCUMENT]
            piece = tokenizer.decode(part, clean_up_tokenization_spaces=False)
            if tokenizer(piece, add_special_tokens=False, verbose=False)["input_ids"] == part:
                yield piece, part


def write_inputs(folder: str, tokens: int, subject: str, coder: str, hookpoint: str) -> dict[str, Any]:
    """Write `documents.jsonl`, `tokens.npy` and the SAE in a folder named after its hookpoint.

    Args:
        folder: Where to.
        tokens: Number of tokens, a multiple of `STEP`.
        subject: The model's folder or name.
        coder: The SAE's folder, as SAELens saves a top-k SAE.
        hookpoint: The module that it reads.

    Returns:
        How many documents and tokens there are.

    Raises:
        ValueError: The corpus is too short, or the SAE is no plain top-k SAE.
    """
    from transformers import AutoTokenizer

    from inspect_autointerp.prep.corpus.documents import stdlib_documents

    tokenizer = AutoTokenizer.from_pretrained(subject)
    wanted = tokens // DOCUMENT
    documents = list(islice(pieces(stdlib_documents(), tokenizer), wanted))
    if len(documents) < wanted:
        most = len(documents) * DOCUMENT
        raise ValueError(f"--tokens {tokens}: the corpus gives {most:,} tokens in documents of {DOCUMENT}; give fewer")
    target = Path(folder)
    target.mkdir(parents=True)
    with (target / "documents.jsonl").open("w", encoding="utf-8") as file:
        for text, _ in documents:
            file.write(json.dumps({"text": text}) + "\n")
    rows = np.array([ids for _, ids in documents], dtype=np.int64).reshape(-1, CONTEXT)
    np.save(target / "tokens.npy", rows)
    write_sparsify(Path(coder), target / "coders" / hookpoint)
    return {"documents": len(documents), "tokens": rows.size}


def write_sparsify(source: Path, target: Path) -> None:
    """Write a top-k SAE of SAELens as sparsify does, which both can read; the arithmetic is the same.

    Raises:
        ValueError: It is no such SAE.
    """
    import torch
    from safetensors.torch import load_file, save_file

    cfg = json.loads((source / "cfg.json").read_text(encoding="utf-8"))
    plain = cfg.get("normalize_activations") == "none" and cfg.get("apply_b_dec_to_input")
    if cfg.get("architecture") != "topk" or not plain or cfg.get("rescale_acts_by_decoder_norm"):
        raise ValueError(f"--coder {source}: only a plain top-k SAE of SAELens can be written as sparsify's")
    weights = {name: tensor.to(torch.float32) for name, tensor in load_file(source / "sae_weights.safetensors").items()}
    target.mkdir(parents=True)
    save_file(
        {
            "encoder.weight": weights["W_enc"].T.contiguous(), "encoder.bias": weights["b_enc"],
            "W_dec": weights["W_dec"], "b_dec": weights["b_dec"],
        },
        target / "sae.safetensors",
    )  # fmt: skip
    content = {"activation": "topk", "k": cfg["k"], "num_latents": cfg["d_sae"], "d_in": cfg["d_in"]}
    (target / "cfg.json").write_text(json.dumps(content | {"transcode": False}), encoding="utf-8")
