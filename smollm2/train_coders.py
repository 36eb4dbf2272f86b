"""Train TopK coders on the activations of SmolLM2-135M-Instruct, on a CPU, and measure them.

`python smollm2/train_coders.py --subject DIR --corpus DIR --work DIR --out DIR`

runs the subject once over `train.jsonl` and `heldout.jsonl` (see make_corpus.py), keeps the activations of every
hookpoint in --work, trains one coder for each entry of `CODERS` and writes each as a SAELens folder in float16. A coder
that is already in --out is not trained again, and the activations are read again from --work, so an interrupted run
goes on with the same command. BOS stands before every chunk; it is neither trained on nor measured, and neither are
tokens with massive activations (see `MASSIVE`).

`figures.json` in --out holds, on held-out text: explained variance, L0, the share of latents that never fire, and the
subject's loss with and without the coder's reconstruction in the place of the activations.
"""

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sae_lens import SAE, TopKSAE, TopKSAEConfig
from sae_lens.saes.sae import SAEMetadata
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from inspect_autointerp.builtin.demo.train_coders import TopKCoder, measure, train

CONTEXT = 256
"""Tokens of the corpus in a chunk, without BOS."""
MASSIVE = 8
"""Activations whose norm is more than this many times the median are neither trained on nor measured."""

log = logging.getLogger("train_coders")


@dataclass(frozen=True)
class Coder:
    """A coder to train.

    Attributes:
        hookpoint: The module under the base model whose output it reads.
        hook_name: TransformerLens's name of that output.
        latents: How many latents it has.
    """

    hookpoint: str
    hook_name: str
    latents: int = 4096


CODERS = {
    "layers.12": Coder("layers.12", "blocks.12.hook_resid_post"),
    "layers.20": Coder("layers.20", "blocks.20.hook_resid_post"),
    "layers.21": Coder("layers.21", "blocks.21.hook_resid_post"),
    "layers.4": Coder("layers.4", "blocks.4.hook_resid_post"),
    "layers.12.mlp": Coder("layers.12.mlp", "blocks.12.hook_mlp_out"),
    "layers.12.16k": Coder("layers.12", "blocks.12.hook_resid_post", 16_384),
}
HOOKPOINTS = sorted({coder.hookpoint for coder in CODERS.values()})


def documents(file: Path, tokenizer) -> list[list[int]]:
    """Return the token ids of each text of a file of JSON lines."""
    texts = [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def chunks(rows: list[list[int]], bos: int) -> tuple[Tensor, Tensor]:
    """Cut documents into BOS + `CONTEXT` tokens: ids, and a mask of the real tokens that leaves out BOS and padding."""
    parts = [row[at : at + CONTEXT] for row in rows for at in range(0, len(row), CONTEXT)]
    parts = sorted((part for part in parts if len(part) > 16), key=len, reverse=True)
    ids = torch.full((len(parts), CONTEXT + 1), bos)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for at, part in enumerate(parts):
        ids[at, 1 : len(part) + 1] = torch.tensor(part)
        mask[at, 1 : len(part) + 1] = True
    return ids, mask


def module_output(output) -> Tensor:
    """Return the hidden states in what a module gave."""
    return output[0] if isinstance(output, tuple) else output


@contextmanager
def hooked(base: nn.Module, hooks: dict[str, Callable]) -> Iterator[None]:
    """Register forward hooks on modules of the base model for a while."""
    handles = [base.get_submodule(name).register_forward_hook(hook) for name, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.inference_mode()
def cache_activations(base: PreTrainedModel, ids: Tensor, mask: Tensor, folder: Path, most: int) -> dict[str, Tensor]:
    """Return every hookpoint's output (token, d_in) at the masked tokens, in float16, from files in a folder.

    Args:
        base: The subject without its head.
        ids: Token ids (chunk, position).
        mask: The real tokens (chunk, position).
        folder: Where the activations are kept. It goes on where it was interrupted.
        most: Stops after the batch in which it has this many tokens.
    """
    count, width = int(mask.sum()), base.config.hidden_size
    folder.mkdir(parents=True, exist_ok=True)
    progress = folder / "chunks_done"
    done = int(progress.read_text()) if progress.exists() else 0
    mode = "r+" if done else "w+"
    files = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", mode, dtype=np.float16, shape=(count, width))
        for name in HOOKPOINTS
    }
    latest: dict[str, Tensor] = {}

    def keep(name: str) -> Callable:
        return lambda module, inputs, output: latest.__setitem__(name, module_output(output))

    start = int(mask[:done].sum())
    with hooked(base, {name: keep(name) for name in HOOKPOINTS}):
        for at in range(done, len(ids), 16):
            if start >= most:
                break
            part, real = ids[at : at + 16], mask[at : at + 16]
            base(input_ids=part, use_cache=False)
            end = start + int(real.sum())
            for name, output in latest.items():
                files[name][start:end] = output[real].half().numpy()
            start = end
            progress.write_text(str(at + len(part)))
            if at % 800 == 0:
                log.info("%s: %d of %d tokens", folder.name, start, count)
    return {name: torch.from_numpy(file)[:start] for name, file in files.items()}


def ordinary(x: Tensor) -> Tensor:
    """Return the activations without the massive ones: a few tokens in 100,000 that hold a third of the variance."""
    norms = torch.cat([part.float().norm(dim=1) for part in x.split(65_536)])
    return x[norms <= MASSIVE * norms.median()]


def save(trained: TopKCoder, coder: Coder, folder: Path) -> None:
    """Write a SAELens folder in float16."""
    d_sae, d_in = trained.W_dec.shape
    metadata = SAEMetadata(
        model_name="HuggingFaceTB/SmolLM2-135M-Instruct",
        hook_name=coder.hook_name,
        hf_hook_name=f"model.{coder.hookpoint}",
        prepend_bos=True,
        context_size=CONTEXT + 1,
        dataset_path="smollm2/make_corpus.py",
    )
    sae = TopKSAE(TopKSAEConfig(d_in=d_in, d_sae=d_sae, k=trained.k, dtype="float16", metadata=metadata))
    sae.load_state_dict({name: p.detach().half() for name, p in trained.named_parameters()})
    new = folder.with_name(f"{folder.name}.new")
    sae.save_model(new)
    new.rename(folder)


@torch.inference_mode()
def loss(model: PreTrainedModel, ids: Tensor, mask: Tensor, splice: dict[str, Callable] | None = None) -> float:
    """Return the mean loss in nats per token, with activations replaced where `splice` says."""
    total = 0.0
    with hooked(model.base_model, splice or {}):
        for part, real in zip(ids.split(8), mask.split(8), strict=True):
            logits = model(input_ids=part, use_cache=False).logits[:, :-1].float()
            each = F.cross_entropy(logits.flatten(0, 1), part[:, 1:].flatten(), reduction="none")
            total += each[real[:, 1:].flatten()].sum().item()
    return total / int(mask.sum())


def reconstruction(sae: SAE) -> Callable:
    """Return a hook that puts a coder's reconstruction in the place of a module's output, but for BOS."""

    def hook(module: nn.Module, inputs: tuple, output):
        states = module_output(output).clone()
        new = sae.decode(sae.encode(states[:, 1:].float()))
        states[:, 1:] = new.to(states.dtype)
        return (states, *output[1:]) if isinstance(output, tuple) else states

    return hook


def zeroed(module: nn.Module, inputs: tuple, output):
    """Put zeros in the place of a module's output, but for BOS."""
    states = module_output(output).clone()
    states[:, 1:] = 0
    return (states, *output[1:]) if isinstance(output, tuple) else states


def main() -> None:
    """Collect activations, train and save the coders, and measure what was saved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("subject", "corpus", "work", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--coders", nargs="+", choices=list(CODERS), default=list(CODERS))
    for name, default in {"seed": 0, "threads": 2, "k": 32, "batch": 2048}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument(
        "--tokens", type=lambda n: int(float(n)), default=2_100_000, help="tokens to train on, each once"
    )
    parser.add_argument("--rate", type=float, default=1e-3)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)

    model = AutoModelForCausalLM.from_pretrained(args.subject, dtype=torch.bfloat16).eval()
    tokenizer = AutoTokenizer.from_pretrained(args.subject)
    bos = tokenizer.bos_token_id
    held_ids, held_mask = chunks(documents(args.corpus / "heldout.jsonl", tokenizer), bos)
    train_ids, train_mask = chunks(documents(args.corpus / "train.jsonl", tokenizer), bos)
    layers = model.model.layers
    model.model.layers = layers[: 1 + max(int(name.split(".")[1]) for name in HOOKPOINTS)]
    held_x = cache_activations(model.model, held_ids, held_mask, args.work / "heldout", args.tokens)
    train_x = cache_activations(model.model, train_ids, train_mask, args.work / "train", args.tokens)
    model.model.layers = layers
    args.out.mkdir(parents=True, exist_ok=True)
    report = args.out / "figures.json"
    figures = json.loads(report.read_text()) if report.exists() else {}
    for name in args.coders:
        coder = CODERS[name]
        held, seen = ordinary(held_x[coder.hookpoint]), ordinary(train_x[coder.hookpoint])
        args.latents = coder.latents
        if not (args.out / name).exists():
            log.info("training %s", name)
            save(train(seen, args), coder, args.out / name)
        if name in figures:
            continue
        sae = SAE.load_from_disk(args.out / name, dtype="float32")
        some_ids, some_mask = held_ids[:80], held_mask[:80]
        measured = measure(sae, held, seen[:400_000])
        measured |= {
            "loss": loss(model, some_ids, some_mask),
            "loss_spliced": loss(model, some_ids, some_mask, {coder.hookpoint: reconstruction(sae)}),
            "loss_zeroed": loss(model, some_ids, some_mask, {coder.hookpoint: zeroed}),
            "massive": 1 - len(held) / len(held_x[coder.hookpoint]),
            "tokens_trained": min(args.tokens, len(seen)),
        }
        figures[name] = {key: round(value, 6) for key, value in measured.items()}
        report.write_text(json.dumps(figures, indent=1) + "\n")
        log.info("%s %s", name, json.dumps(figures[name]))


if __name__ == "__main__":
    main()
