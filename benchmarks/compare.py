"""Cost of matching two coders' latents: time and memory by the number of latents.

`python -m benchmarks.compare` matches invented coders of 8,192 and of 32,768 latents (`--latents 131072` for more), by
co-activation over 32,768 tokens (`--tokens`) on which 32 latents fire each, and by the cosine of directions of 256
dimensions (`--dimensions`); 32 candidates per latent on either side. Six latents of ten (`--partnered 0`: none) have a
partner on the other side, in another place: it fires where the latent does seven times of ten, and has a cosine of
about 0.8 with it; the others have none. Frequencies fall as 1 / rank (`--exponent 0.5`: as its root, so that most
latents fire often enough). Each measurement is a process of its own; its memory is the process's peak, what is invented
included, and what it is at goes to standard error. `floor`: the same with unrelated latents, of at most 16,384 on a
side. `of the bound`: the total of the matching, of what no matching of all pairs can exceed (every latent with its best
partner); `found`: the share of partners matched with each other.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix

from inspect_autointerp.coder_similarity.coactivation import Coactivation
from inspect_autointerp.coder_similarity.comparison import ALL_PAIRS, CANDIDATES, UNRELATED
from inspect_autointerp.coder_similarity.cosine import Cosine
from inspect_autointerp.coder_similarity.matching import match_dense, match_sparse

WINDOW, FIRING = 32, 32
KEPT, NOISE = 0.7, 0.75
LATENTS = (8_192, 32_768)


def activations(
    n: int, rng: np.random.Generator, partner: np.ndarray, tokens: int, exponent: float
) -> tuple[csr_matrix, csr_matrix]:
    """Two coders' activations, (latent, token); `partner` is each latent's place on the other side, or −1."""
    share = 1 / np.arange(1, n + 1) ** exponent
    cumulated = np.cumsum(share / share.sum())
    token = np.repeat(np.arange(tokens), FIRING)

    def draw(count: int) -> np.ndarray:
        return np.minimum(np.searchsorted(cumulated, rng.random(count)), n - 1)

    def matrix(latent: np.ndarray, value: np.ndarray) -> csr_matrix:
        order = np.unique(latent * tokens + token, return_index=True)[1]  # a latent fires once on a token
        return csr_matrix((value[order], (latent[order], token[order])), shape=(n, tokens))

    one, value = draw(len(token)), rng.lognormal(size=len(token))
    follows = (partner[one] >= 0) & (rng.random(len(token)) < KEPT)
    other = np.where(follows, partner[one], rng.permutation(n)[draw(len(token))])
    return matrix(one, value), matrix(other, np.where(follows, value, 1) * rng.lognormal(sigma=0.3, size=len(token)))


def directions(n: int, rng: np.random.Generator, partner: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Two coders' directions, float32 (latent, dimension)."""
    one, other = (rng.standard_normal((n, dims), dtype=np.float32) for _ in range(2))
    for latent in np.flatnonzero(partner >= 0):  # one by one: a copy of all would be half of the memory measured
        other[partner[latent]] = one[latent] + NOISE * other[partner[latent]]
    return one, other


def measure(kind: str, n: int, options: argparse.Namespace) -> dict[str, float]:
    """Seconds, megabytes and quality of one matching."""
    rng = np.random.default_rng(0)
    partner = np.where(rng.random(n) < options.partnered, rng.permutation(n), -1)
    if kind == "cosine":
        matcher = Cosine(*directions(n, rng, partner, options.dimensions))
    else:
        matcher = Coactivation(*activations(n, rng, partner, options.tokens, options.exponent), WINDOW)
    wall, cpu = time.perf_counter(), time.process_time()

    def tell(what: str) -> None:
        print(f"{time.process_time() - cpu:,.0f} CPU s: {kind}, {n:,} latents, {what}", file=sys.stderr)

    k = None if n * n <= ALL_PAIRS else CANDIDATES
    if isinstance(matcher, Cosine) and k is None:
        full = matcher.all()
        graph, bound = None, min(np.nansum(full.max(axis=side)) for side in (0, 1))
        candidates = time.process_time() - cpu
        pairs = match_dense(full)
    else:
        graph = matcher.candidates(k, tell) if isinstance(matcher, Coactivation) else matcher.candidates(k or n, tell)
        bound = min(graph.max(axis=side).sum() for side in (0, 1))
        candidates = time.process_time() - cpu
        pairs = match_sparse(graph, tell)
    total = time.process_time() - cpu
    other = matcher.unrelated(rng, UNRELATED)
    floor = other.of(*other.match(k, tell))
    whole = time.process_time() - cpu
    known = matcher.known[0] & (partner >= 0) & matcher.known[1][partner]
    matched = np.full(n, -2)
    matched[pairs[0]] = pairs[1]
    return {
        "candidates": candidates,
        "matching": total - candidates,
        "floor": whole - total,
        "total": whole,
        "wall": time.perf_counter() - wall,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "known": float(min(side.mean() for side in matcher.known)),
        "mean": float(matcher.of(*pairs).mean()),
        "unrelated": float(floor.mean()) if len(floor) else float("nan"),
        "bound": float(matcher.of(*pairs).sum() / bound),
        "found": float((matched == partner)[known].mean()) if known.any() else float("nan"),
    }


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latents", type=int, nargs="+", default=LATENTS)
    parser.add_argument("--by", nargs="+", default=["coactivation", "cosine"], choices=["coactivation", "cosine"])
    parser.add_argument("--partnered", type=float, default=0.6, help="share of latents that have a partner")
    parser.add_argument("--dimensions", type=int, default=256, help="of directions")
    parser.add_argument("--tokens", type=int, default=32_768, help="of co-activation")
    parser.add_argument("--exponent", type=float, default=1.0, help="frequencies fall as 1 / rank to this power")
    parser.add_argument("--measure", action="store_true", help="one measurement, as JSON")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.by[0], arguments.latents[0], arguments)))
        return
    table = Table(title="one thread", title_justify="left")
    for name in (
        "matched by",
        "latents",
        "candidates, CPU s",
        "matching",
        "floor",
        "total",
        "wall s",
        "MB",
        "matchable",
        "mean",
        "unrelated",
        "of the bound",
        "found",
    ):
        table.add_column(name, justify="right")
    console = Console(width=180)
    for kind in arguments.by:
        for n in arguments.latents:
            command = [sys.executable, "-m", "benchmarks.compare", "--measure", "--by", kind, "--latents", str(n)]
            for name in ("partnered", "dimensions", "tokens", "exponent"):
                command += [f"--{name}", str(getattr(arguments, name))]
            run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            figures = json.loads(run.stdout.splitlines()[-1])
            times = [f"{figures[name]:,.1f}" for name in ("candidates", "matching", "floor", "total", "wall")]
            means = [f"{figures[name]:.3f}" for name in ("mean", "unrelated")]
            known, bound, partners = (f"{100 * figures[name]:.1f} %" for name in ("known", "bound", "found"))
            table.add_row(kind, f"{n:,} × {n:,}", *times, f"{figures['mb']:,.0f}", known, *means, bound, partners)
    console.print(table)


if __name__ == "__main__":
    main()
