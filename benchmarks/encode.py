"""Cost of encoding beside its matrix product, against SAELens's own `encode` and `nonzero` of what it returns.

`python -m benchmarks.encode` measures microseconds per token, of CPU time on one thread, or of time on a GPU with
`--device cuda`. All ways alternate on the same activations, several times over, and the least of each is taken. In
float32 the results are compared, bit for bit.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.as_json import save_tables
from inspect_autointerp.prep.coders import SaeLensCoder, Triples

D_IN, K = 256, 32


def save(folder: Path, architecture: str, n_latents: int, x: Tensor) -> Path:
    """A random coder of which about K latents fire on a token."""
    from sae_lens.registry import get_sae_class

    sae_class, config_class = get_sae_class(architecture)
    more: dict[str, Any] = {"k": K} if architecture == "topk" else {}
    sae: Any = sae_class(config_class(d_in=x.shape[1], d_sae=n_latents, dtype="float32", device="cpu", **more))
    with torch.no_grad():
        sae.W_enc.normal_(std=x.shape[1] ** -0.5)
        sae.b_enc.normal_(std=0.01)
        if architecture == "jumprelu":
            hidden = sae.process_sae_in(x[:64]) @ sae.W_enc + sae.b_enc
            sae.threshold.fill_(float(hidden.topk(K).values[:, -1].mean()))
    sae.save_model(folder)
    return folder


def ways(folder: Path, x: Tensor, device: str, bfloat16: bool) -> dict[str, Callable[[], Any]]:
    """Return what is to be compared, by its name in the table."""
    from sae_lens import SAE

    sae: Any = SAE.load_from_disk(folder, device=device, dtype="float32")
    ours = SaeLensCoder(str(folder), device)
    weight = sae.W_enc.detach()

    def library() -> Triples:
        dense = sae.encode(x)
        token, latent = dense.nonzero(as_tuple=True)
        return Triples(token, latent, dense[token, latent])

    encoders = {"product alone": lambda: x @ weight, "SAELens": library, "ours": lambda: ours.encode(x)}
    if bfloat16:
        rounded = SaeLensCoder(str(folder), device, "bfloat16")
        encoders["ours, bfloat16"] = lambda: rounded.encode(x)
    return encoders


def check(theirs: Triples, ours: Triples, shape: tuple[int, int]) -> None:
    """The same latents fire on the same tokens, as strongly, to the last bit."""

    def dense(triples: Triples) -> Tensor:
        return triples.value.new_zeros(shape).index_put_((triples.token, triples.latent), triples.value)

    if not torch.equal(dense(theirs), dense(ours)):
        raise SystemExit("the results differ")


def seconds(run: Callable[[], Any], device: str) -> float:
    """Measure CPU time, or a GPU's until it is done."""
    if device == "cpu":
        begin = time.process_time()
        run()
        return time.process_time() - begin
    torch.cuda.synchronize()
    begin = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - begin


@torch.no_grad()
def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu (the default) or cuda")
    parser.add_argument("--latents", type=int, default=32_768)
    parser.add_argument("--d-in", type=int, default=D_IN, help="width of the subject")
    parser.add_argument("--bfloat16", action="store_true", help="the product in bfloat16 too; on a GPU always")
    parser.add_argument("--json", help="write the table to this file too")
    parser.add_argument("--tokens", type=int, default=1024, help="per batch")
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = torch.randn((arguments.tokens, arguments.d_in))
    kind = "CPU, one thread" if arguments.device == "cpu" else torch.cuda.get_device_name()
    title = f"µs per token (× product alone); d = {arguments.d_in}, {arguments.latents:,} latents; {kind}"
    table = Table(title=title, title_justify="left")
    table.add_column("architecture")
    table.add_column("firing", justify="right")
    for number, architecture in enumerate(("topk", "jumprelu")):
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            coder = save(Path(name), architecture, arguments.latents, x)
            bfloat16 = arguments.bfloat16 or arguments.device != "cpu"  # a CPU gains little by it
            compared = ways(coder, x.to(arguments.device), arguments.device, bfloat16)
        theirs, ours = compared["SAELens"](), compared["ours"]()
        check(theirs, ours, (arguments.tokens, arguments.latents))
        least = dict.fromkeys(compared, float("inf"))
        for _ in range(arguments.repeats):
            for way, run in compared.items():
                least[way] = min(least[way], seconds(run, arguments.device))
        if number == 0:
            for way in compared:
                table.add_column(way, justify="right")
        cells = (f"{1e6 * s / arguments.tokens:.1f} ({s / least['product alone']:.2f})" for s in least.values())
        table.add_row(architecture, f"{len(ours.value) / arguments.tokens:.0f}", *cells)
    Console().print(table)
    save_tables(arguments.json, table)


if __name__ == "__main__":
    main()
