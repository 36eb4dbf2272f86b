"""Train the demo's three TopK SAEs on the activations of its subject, on a CPU.

`python -m inspect_autointerp.builtin.demo.train_coders --subject DIR --out DIR`
writes one SAELens folder per hookpoint, named
after the module under the base model, with weights in float16. BOS is neither trained on nor measured. Activations are
scaled while training and the scale is folded into the biases, so the coder reads the raw ones; the decoder's rows keep
unit norm. Latents that fall silent are revived by an auxiliary loss (AuxK of https://arxiv.org/abs/2406.04093).
"""

# torch, transformers and SAELens leave types of their own open; these rules say so of every other line here.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from sae_lens import SAE, TopKSAE, TopKSAEConfig
from sae_lens.saes.sae import SAEMetadata
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, PreTrainedModel

from inspect_autointerp.builtin.demo.train_subject import CONTEXT, encode, rows, split_documents
from inspect_autointerp.store.atomic import remove_folder
from inspect_autointerp.store.folder_kind import Kind, files_in

# The module under the base model, and the name that TransformerLens gives to its output.
HOOKPOINTS = {
    "layers.1": "blocks.1.hook_resid_post",
    "layers.2": "blocks.2.hook_resid_post",
    "layers.2.mlp": "blocks.2.hook_mlp_out",
}
AUX_LATENTS = 128
AUX_WEIGHT = 1 / 32
DEAD_AFTER = 200_000  # tokens without firing

log = logging.getLogger("train_coders")


@torch.inference_mode()
def activations(model: PreTrainedModel, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Return every hookpoint's output (token, d_in) at the masked tokens, in float16, in the order of the rows."""
    kept = {name: torch.empty(int(mask.sum()), model.config.hidden_size, dtype=torch.half) for name in HOOKPOINTS}
    latest: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            latest[name] = output[0] if isinstance(output, tuple) else output

        return hook

    hooks = [model.get_submodule(name).register_forward_hook(keep(name)) for name in HOOKPOINTS]
    start = 0
    for part, real in zip(ids.split(16), mask.split(16), strict=True):
        model(input_ids=part, use_cache=False)
        end = start + int(real.sum())
        for name, output in latest.items():
            kept[name][start:end] = output[real]
        start = end
    for hook in hooks:
        hook.remove()
    return kept


class TopKCoder(nn.Module):
    """The coder in training: x ≈ b_dec + Σ z·W_dec over the k largest z = relu((x − b_dec) W_enc + b_enc)."""

    def __init__(self, mean: Tensor, latents: int, k: int) -> None:
        super().__init__()
        self.k = k
        self.W_dec = nn.Parameter(F.normalize(torch.randn(latents, len(mean)), dim=1))
        self.W_enc = nn.Parameter(self.W_dec.detach().T.clone())
        self.b_enc = nn.Parameter(torch.zeros(latents))
        self.b_dec = nn.Parameter(mean.clone())

    def losses(self, x: Tensor, silent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (squared error, squared error of the silent latents on the residual, which latents fired)."""
        with torch.autocast("cpu", torch.bfloat16):
            before = (x - self.b_dec) @ self.W_enc + self.b_enc
        values, indices = before.topk(self.k, sorted=False)
        residual = x - self.decode(values.float().relu(), indices)
        fired = torch.zeros_like(silent)
        fired[indices[values > 0]] = True
        dead = silent.nonzero().squeeze(1)
        if not len(dead):
            return residual.square().sum(), torch.zeros(()), fired
        values, at = before[:, dead].topk(min(AUX_LATENTS, len(dead)), sorted=False)
        missed = residual.detach() - self.decode(values.float().relu(), dead[at], bias=False)
        return residual.square().sum(), missed.square().sum(), fired

    def decode(self, values: Tensor, indices: Tensor, bias: bool = True) -> Tensor:
        """Return the sum of the given latents' decoder rows."""
        out = F.embedding_bag(indices, self.W_dec, per_sample_weights=values, mode="sum")
        return out + self.b_dec if bias else out


def shuffled(count: int, batch: int, tokens: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of token numbers, epoch after epoch, up to a number of tokens in all."""
    steps = tokens // batch
    while True:
        for indices in torch.randperm(count, generator=generator)[: count // batch * batch].split(batch):
            if not steps:
                return
            steps -= 1
            yield indices


def train(x: Tensor, args: argparse.Namespace) -> TopKCoder:
    """Fit a coder to activations (token, d_in)."""
    torch.manual_seed(args.seed)
    sample = x[:: len(x) // 50_000 or 1].float()
    scale = (x.shape[1] / (sample - sample.mean(0)).square().sum(1).mean()).sqrt()
    coder = TopKCoder(sample.mean(0) * scale, args.latents, args.k)
    optimizer = torch.optim.Adam(coder.parameters(), lr=args.rate, betas=(0.9, 0.99))
    steps = args.tokens // args.batch
    last_fired = torch.zeros(args.latents, dtype=torch.long)
    generator = torch.Generator().manual_seed(args.seed)
    for step, indices in enumerate(shuffled(len(x), args.batch, args.tokens, generator)):
        silent = step * args.batch - last_fired > DEAD_AFTER
        batch = x[indices].float() * scale
        error, missed, fired = coder.losses(batch, silent)
        ((error + AUX_WEIGHT * missed) / batch.numel()).backward()
        last_fired[fired] = step * args.batch
        nn.utils.clip_grad_norm_(coder.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, step / 50, (steps - step) / (0.4 * steps))
        optimizer.step()
        optimizer.zero_grad()
        with torch.no_grad():
            coder.W_dec.copy_(F.normalize(coder.W_dec, dim=1))
        if step % 100 == 0:
            log.info("step %d: unexplained %.4f, %d silent", step, error.item() / batch.numel(), int(silent.sum()))
    with torch.no_grad():
        coder.b_enc.div_(scale)
        coder.b_dec.div_(scale)
    return coder


def save(coder: TopKCoder, hookpoint: str, out: Path) -> None:
    """Write a SAELens folder in float16 and swap it into place."""
    d_sae, d_in = coder.W_dec.shape
    metadata = SAEMetadata(
        model_name="inspect_autointerp/demo",
        hook_name=HOOKPOINTS[hookpoint],
        hf_hook_name=f"model.{hookpoint}",
        prepend_bos=True,
        context_size=CONTEXT,
        dataset_path="stdlib",
    )
    config = TopKSAEConfig(d_in=d_in, d_sae=d_sae, k=coder.k, dtype="float16", metadata=metadata)
    sae = TopKSAE(config)
    sae.load_state_dict({name: p.detach().half() for name, p in coder.named_parameters()})
    new = out / f"{hookpoint}.new"
    sae.save_model(new)
    remove_folder(out / hookpoint, kind=Kind("the files of a coder", lambda _: set(files_in(new)).__contains__))
    new.rename(out / hookpoint)


@torch.inference_mode()
def measure(sae: "SAE[Any]", held: Tensor, train: Tensor) -> dict[str, float]:
    """Return explained variance and L0 on held-out tokens, and the share of latents silent on all tokens given."""
    error, active, fired = 0.0, 0, torch.zeros(sae.cfg.d_sae, dtype=torch.bool)
    for x in held.split(4096):
        z = sae.encode(x.float())
        error += (x.float() - sae.decode(z)).square().sum().item()
        active += int((z > 0).sum())
        fired |= (z > 0).any(0)
    for x in train.split(4096):
        fired |= (sae.encode(x.float()) > 0).any(0)
    total = (held.float() - held.float().mean(0)).square().sum().item()
    return {
        "explained_variance": 1 - error / total,
        "l0": active / len(held),
        "dead_frac": 1 - fired.float().mean().item(),
    }


def main() -> None:
    """Collect activations, train and save the coders, and measure what was saved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subject", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hookpoints", nargs="+", default=list(HOOKPOINTS))
    parser.add_argument("--documents", type=int, help="training documents to read (default: all)")
    for name, default in {"seed": 0, "threads": 2, "latents": 2048, "k": 16, "batch": 2048}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--tokens", type=lambda n: int(float(n)), default=5_000_000, help="tokens to train each on")
    parser.add_argument("--rate", type=float, default=2e-3)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)

    model = AutoModel.from_pretrained(args.subject, dtype="float32").eval()
    tokenizer = AutoTokenizer.from_pretrained(args.subject)
    texts, held_texts = split_documents()
    train_x = activations(model, *rows(encode(tokenizer, texts[: args.documents])))
    held_x = activations(model, *rows(encode(tokenizer, held_texts)))
    log.info("activations of %d training and %d held-out tokens", *(len(x["layers.1"]) for x in (train_x, held_x)))
    for hookpoint in args.hookpoints:
        save(train(train_x[hookpoint], args), hookpoint, args.out)
        sae = SAE.load_from_disk(args.out / hookpoint, dtype="float32")
        figures = measure(sae, held_x[hookpoint], train_x[hookpoint][:400_000])
        log.info("%s %s", hookpoint, json.dumps(figures))


if __name__ == "__main__":
    main()
