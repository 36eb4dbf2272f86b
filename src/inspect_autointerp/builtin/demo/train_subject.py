"""Train the demo's subject: a four-layer Llama of 4.5 M parameters, on the Python standard library, on a CPU.

`python -m inspect_autointerp.builtin.demo.train_subject --out DIR`
writes a Hugging Face folder: config, tokenizer, weights in
float16. Its own byte-level BPE keeps an indentation as one token and adds no special token: BOS is put in front by
whoever feeds the model. The yardstick is a 5-gram model (interpolated, modified Kneser-Ney) of the same tokens.
The corpus is small beside the compute of half an hour, hence several epochs, each cut at another offset, and dropout.
"""

# torch and transformers leave types of their own open; these rules say so of every other line here.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import argparse
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from inspect_autointerp.prep.corpus.documents import stdlib_documents
from inspect_autointerp.store.atomic import remove_folder
from inspect_autointerp.store.folder_kind import Kind, files_in

BOS = "<|bos|>"
BOS_ID = 0
VOCAB = 4096
CONTEXT = 256  # tokens of the corpus per sequence, BOS not counted
HELD_OUT = 0.08
# A word with its space; up to three digits; a run of signs; a line's end with the indentation that follows it, less the
# one space that belongs to the next word; other white space.
_PIECES = r" ?\p{L}+| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s*\n *(?= )|\s*\n|\s+(?!\S)|\s+"
_DEFAULTS = {"seed": 0, "threads": 2, "batch": 16, "rate": 3e-3, "dropout": 0.1, "minutes": 31.0, "checkpoint": 4.0}

log = logging.getLogger("train_subject")


def split_documents() -> tuple[list[str], list[str]]:
    """Return the corpus as (training, held-out) documents: the hash of its text decides where a document goes."""
    sides: tuple[list[str], list[str]] = ([], [])
    for text in stdlib_documents():
        share = int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest()) / 2**64
        sides[1 if share < HELD_OUT else 0].append(text)
    return sides


def train_tokenizer(documents: list[str]) -> PreTrainedTokenizerFast:
    """Fit a byte-level BPE of `VOCAB` entries."""
    bpe = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_PIECES), "isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])  # type: ignore
    bpe.decoder = decoders.ByteLevel()  # type: ignore
    options: dict[str, Any] = {"vocab_size": VOCAB, "special_tokens": [BOS], "show_progress": False}
    options["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(documents, trainers.BpeTrainer(**options))
    special = {"bos_token": BOS, "eos_token": BOS, "pad_token": BOS}
    return PreTrainedTokenizerFast(tokenizer_object=bpe, clean_up_tokenization_spaces=False, **special)


def encode(tokenizer: PreTrainedTokenizerFast, documents: list[str]) -> list[np.ndarray]:
    """Return each document's token ids, without BOS."""
    return [np.array(e.ids) for e in tokenizer.backend_tokenizer.encode_batch(documents, add_special_tokens=False)]


def rows(documents: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Cut documents into BOS + `CONTEXT` tokens: ids, and a mask of the real tokens that leaves out BOS and padding."""
    chunks = [ids[i : i + CONTEXT] for ids in documents for i in range(0, len(ids), CONTEXT)]
    ids = np.full((len(chunks), CONTEXT + 1), BOS_ID)
    for row, chunk in zip(ids, chunks, strict=True):
        row[1 : len(chunk) + 1] = chunk
    lengths = np.array([len(chunk) for chunk in chunks])[:, None]
    position = np.arange(CONTEXT + 1)
    return torch.from_numpy(ids), torch.from_numpy((position > 0) & (position <= lengths))


def batches(documents: list[np.ndarray], size: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """Yield (size, 1 + `CONTEXT`) ids for ever: every epoch cuts the joined documents at another offset."""
    stream = np.concatenate([np.insert(ids, 0, BOS_ID) for ids in documents])
    while True:
        start = rng.integers(CONTEXT)
        count = (len(stream) - start) // CONTEXT
        chunks = rng.permutation(stream[start : start + count * CONTEXT].reshape(count, CONTEXT))
        epoch = torch.from_numpy(np.insert(chunks, 0, BOS_ID, axis=1))
        yield from (epoch[i : i + size] for i in range(0, count - size + 1, size))


def build() -> LlamaForCausalLM:
    """Return an untrained subject with tied embeddings."""
    sizes = {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 4}
    special = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), BOS_ID)
    shape = {"vocab_size": VOCAB, "max_position_embeddings": 2 * CONTEXT, "tie_word_embeddings": True}
    return LlamaForCausalLM(LlamaConfig(dtype="float32", **shape, **sizes, **special))


def add_dropout(model: LlamaForCausalLM, rate: float) -> None:
    """Drop entries of what attention and MLP write to the residual stream, while training only."""

    def dropped(module: nn.Module, _: tuple[Any, ...], output: Tensor) -> Tensor:
        return F.dropout(output, rate, module.training)

    for name, module in model.named_modules():
        if name.endswith(("self_attn.o_proj", "mlp.down_proj")):
            module.register_forward_hook(dropped)


def optimizers(model: LlamaForCausalLM, rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the layers' matrices, and AdamW for the embedding and the norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    norms = [p for p in model.parameters() if p.ndim == 1]
    embedding = {"params": [model.model.embed_tokens.weight], "weight_decay": 0.1}
    adamw = torch.optim.AdamW([embedding, {"params": norms, "weight_decay": 0.0}], lr=rate, betas=(0.9, 0.98))
    return [torch.optim.Muon(matrices, lr=rate, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"), adamw]


def schedule(progress: float) -> float:
    """Return the share of the peak learning rate: 2 % warm-up, then a cosine to zero."""
    return min(progress / 0.02, 1.0) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def train(
    model: LlamaForCausalLM, documents: list[np.ndarray], args: argparse.Namespace, checkpoint: Callable[[], object]
) -> int:
    """Train for `args.minutes` of wall time, calling `checkpoint` every few minutes; return the tokens seen."""
    model.train()
    forward = torch.compile(model) if args.compile else model
    both = optimizers(model, args.rate)
    begun = saved = time.monotonic()
    step = 0
    for step, ids in enumerate(batches(documents, args.batch, np.random.default_rng(args.seed)), 1):
        progress = (time.monotonic() - begun) / (60 * args.minutes)
        for optimizer in both:
            for group in optimizer.param_groups:
                group["lr"] = args.rate * schedule(progress)
        with torch.autocast("cpu", torch.bfloat16):
            logits = forward(input_ids=ids[:, :-1], use_cache=False).logits
            loss = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()
        if step % 100 == 0:
            log.info("step %d, %.1f %% of the time, loss %.4f", step, 100 * progress, loss.item())
        if progress >= 1:
            break
        if time.monotonic() - saved > 60 * args.checkpoint:
            checkpoint()
            model.train()
            saved = time.monotonic()
    return step * args.batch * CONTEXT


@torch.inference_mode()
def evaluate(model: LlamaForCausalLM, documents: list[np.ndarray]) -> tuple[float, int]:
    """Return (summed loss in nats, tokens) over every token of the documents, in contexts of `CONTEXT`."""
    model.eval()
    total, tokens = 0.0, 0
    for ids, mask in zip(*(part.split(16) for part in rows(documents)), strict=True):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        each = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        total += each[mask[:, 1:].flatten()].sum().item()
        tokens += int(mask.sum())
    return total, tokens


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write the folder, weights rounded to float16 (a loader still makes float32 of them), and swap it into place."""
    new = out.with_name(out.name + ".new")
    new.mkdir(parents=True, exist_ok=True)
    model.config.architectures = ["LlamaForCausalLM"]
    model.config.save_pretrained(new)
    weights = {name: p.detach().half() for name, p in model.named_parameters()}  # the tied lm_head is listed once
    save_file(weights, new / "model.safetensors", {"format": "pt"})
    tokenizer.save_pretrained(new)
    names = new / "tokenizer_config.json"  # transformers 4 knows the class by its old name only, 5 by both
    names.write_text(names.read_text().replace('"TokenizersBackend"', '"PreTrainedTokenizerFast"'))
    remove_folder(out, kind=Kind("the files of a subject", lambda _: set(files_in(new)).__contains__))
    new.rename(out)


def kneser_ney(train: list[np.ndarray], held: list[np.ndarray], order: int = 5) -> float:
    """Return the summed loss in nats of an interpolated Kneser-Ney model with three discounts per order.

    An n-gram is one integer, 12 bits a token. The highest order counts occurrences, the lower ones the distinct
    tokens in front; the lowest is mixed with the uniform distribution. It reads whole documents.
    """
    grams, counts = np.unique(np.concatenate([_windows(ids, order) for ids in train]), return_counts=True)
    tables = [(grams, counts)]
    for n in range(order - 1, 0, -1):
        tables.append(np.unique(tables[-1][0] & ((1 << 12 * n) - 1), return_counts=True))
    target = np.concatenate([_windows(ids, order) for ids in held])
    probability = np.full(len(target), 1 / VOCAB)
    for n, (grams, counts) in enumerate(reversed(tables), 1):
        c1, c2, c3, c4 = (np.count_nonzero(counts == i) for i in (1, 2, 3, 4))
        y = c1 / (c1 + 2 * c2)
        discounts = np.array([0.0, 1 - 2 * y * c2 / c1, 2 - 3 * y * c3 / c2, 3 - 4 * y * c4 / c3])
        cut = discounts[np.minimum(counts, 3)]
        contexts, starts = np.unique(grams >> 12, return_index=True)
        sums, mass = np.add.reduceat(counts, starts), np.add.reduceat(cut, starts)
        gram = target & ((1 << 12 * n) - 1)
        at, context = _find(grams, gram), _find(contexts, gram >> 12)  # -1: never seen
        kept = np.where(at < 0, 0.0, counts[at] - cut[at])
        probability = np.where(context < 0, probability, (kept + mass[context] * probability) / sums[context])
    return float(-np.log(probability).sum())


def _windows(ids: np.ndarray, order: int) -> np.ndarray:
    padded = np.pad(ids, (order - 1, 0), constant_values=BOS_ID)
    return sum(padded[i : len(ids) + i] << 12 * (order - 1 - i) for i in range(order))  # type: ignore


def _find(table: np.ndarray, keys: np.ndarray) -> np.ndarray:
    at = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[at] == keys, at, -1)


def main() -> None:
    """Train, save, load what was saved and measure it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    for name, default in _DEFAULTS.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--compile", action="store_true", help="a quarter faster; needs a C++ compiler")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)

    texts, held_texts = split_documents()
    tokenizer = train_tokenizer(texts)
    documents, held = encode(tokenizer, texts), encode(tokenizer, held_texts)
    tokens, bytes_ = sum(map(len, held)), sum(len(text.encode(errors="replace")) for text in held_texts)
    log.info("%d training tokens; %d held-out tokens, %d bytes", sum(map(len, documents)), tokens, bytes_)
    figures = {"kneser_ney": kneser_ney(documents, held)}

    model = build()
    add_dropout(model, args.dropout)

    def checkpoint() -> None:
        save(model, tokenizer, args.out)
        log.info("held-out (a fifth): %.4f nats per token", np.divide(*evaluate(model, held[::5])))

    seen = train(model, documents, args, checkpoint)
    save(model, tokenizer, args.out)
    figures["subject"] = evaluate(LlamaForCausalLM.from_pretrained(args.out, dtype="float32"), held)[0]
    losses = {
        name: {"nats_per_token": nats / tokens, "bits_per_byte": nats / math.log(2) / bytes_}
        for name, nats in figures.items()
    }
    log.info("%s", json.dumps({"parameters": model.num_parameters(), "tokens_seen": seen, **losses}, indent=2))


if __name__ == "__main__":
    main()
