"""Write a coder whose latents have a known effect: each raises the probability of one word.

`python smollm2/planted_directions.py --subject DIR --corpus FILE --out DIR`

tells whether a small effect in the task `intervention` is the fault of the explanations or of the instrument. A
latent's direction is the unembedding row of one word, times the weights of the final norm, minus the mean over all
words. Steering along it makes the word more probable (the "logit lens", nostalgebraist 2020), so `the word "music"` is
true of what the latent does, whatever text it responds to. The script writes a SAELens folder and, in it,
`explanations.jsonl` with the true explanation of each latent, for `-T explanations=`.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import cast

import torch
from sae_lens import TopKSAE, TopKSAEConfig
from sae_lens.saes.sae import SAEMetadata
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer

LATENTS, K = 512, 8


def frequent_words(corpus: Path, tokenizer, n: int) -> list[tuple[int, str]]:
    """Return the ids and texts of the n most frequent words of five letters or more that are one token.

    Args:
        corpus: JSON lines with a `text`.
        tokenizer: The subject's.
        n: How many.
    """
    counts = Counter[str]()
    for line in corpus.read_text(encoding="utf-8").splitlines():
        counts.update(json.loads(line)["text"].split())
    words: list[tuple[int, str]] = []
    for word, _ in counts.most_common():
        ids = tokenizer(f" {word}", add_special_tokens=False)["input_ids"]
        if len(ids) == 1 and len(word) >= 5 and word.isalpha() and word.islower():
            words.append((ids[0], word))
        if len(words) == n:
            break
    return words


def main() -> None:
    """Write the coder and its true explanations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--subject", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True, help="JSON lines: the most frequent words are taken")
    parser.add_argument("--layer", type=int, default=20)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(options.subject, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(options.subject)
    words = frequent_words(options.corpus, tokenizer, LATENTS)
    unembedding = cast(nn.Linear, model.get_output_embeddings()).weight.detach()
    rows = unembedding * model.model.norm.weight.detach()  # (vocabulary, width)
    directions = rows[[token for token, _ in words]] - rows.mean(0)
    directions = directions / directions.norm(dim=1, keepdim=True)  # (LATENTS, width)
    config = TopKSAEConfig(
        d_in=directions.shape[1],
        d_sae=len(words),
        k=K,
        dtype="float32",
        apply_b_dec_to_input=False,
        metadata=SAEMetadata(
            hook_name=f"blocks.{options.layer}.hook_resid_post", hf_hook_name=f"model.layers.{options.layer}"
        ),
    )
    coder = TopKSAE(config)
    with torch.no_grad():
        coder.W_enc.copy_(directions.T)
        coder.W_dec.copy_(directions)
        coder.b_enc.zero_()
        coder.b_dec.zero_()
    coder.save_model(options.out)
    lines = (
        json.dumps({"hookpoint": f"layers.{options.layer}", "latent": latent, "explanation": f'the word "{word}"'})
        for latent, (_, word) in enumerate(words)
    )
    (options.out / "explanations.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
