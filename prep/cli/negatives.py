"""`autointerp negatives`: the command that adds harder non-activating contexts to a finished store."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from inspect_autointerp.builtin.locate import check_writable, located
from inspect_autointerp.contexts.selection import parse_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.negatives.add_negatives import extend
from inspect_autointerp.prep.negatives.cooccurrence import cooccurring
from inspect_autointerp.prep.negatives.similar import similar
from inspect_autointerp.prep.negatives.window_embeddings import Embedding, SentenceEmbedding, Tfidf
from inspect_autointerp.store.store import Store

KINDS = ("similar", "cooccurring")


def negatives(
    store: Annotated[str, typer.Argument(help="The context store's folder.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="`similar`: silent windows that read like activating ones. `cooccurring`: silent windows of latents"
            " that often fire together with this one. Default: both."
        ),
    ] = None,
    embedding: Annotated[
        str, typer.Option(help="Embedding for `similar`: `tfidf`, `minilm`, or a sentence-transformers model.")
    ] = "tfidf",
    latents: Annotated[str, typer.Option(help="Latents that get similar windows: `all`, `0:100`, `3,17`.")] = "all",
    n: Annotated[int, typer.Option("--number", "-n", min=1, help="Similar windows per latent and split.")] = 50,
    device: Annotated[str | None, typer.Option(help="Device of the embedding model.")] = None,
) -> None:
    """Add kinds of non-activating contexts to a store, without another pass over the corpus.

    \b
    Example:
      autointerp negatives contexts/gpt2
      autointerp negatives contexts/gpt2 --kind similar \\
        --embedding sentence-transformers/all-MiniLM-L6-v2 --device cuda
    Windows of neighbours by decoder or encoder cosine are already in the store (prep's --neighbours). The latent is
    silent on every window that this command adds. Logs made before, with the store's other contexts, stay
    comparable.
    """
    for name in kind or ():
        if name not in KINDS:
            raise UserError(f"--kind {name}: unknown; give {' or '.join(KINDS)}")
    folder = located(check_writable(store))
    opened = Store(folder)
    opened.check_whole("adding negatives")
    for name in kind or KINDS:
        if name == "similar":
            vectors = Tfidf(opened) if embedding == "tfidf" else SentenceEmbedding(opened, embedding, device)
            extend(opened, name, _similar(opened, vectors, latents, n), f"{vectors.name}, latents {latents}, {n} each")
        else:
            windows = ((hookpoint, cooccurring(opened, hookpoint)) for hookpoint in opened.hookpoints)
            extend(opened, name, windows, "Jaccard index over the pool")
        opened = Store(folder, verify=False)
        Console(emoji=False).print(
            f"{store}: {name} contexts added ({opened.manifest.negatives[name]})", highlight=False, soft_wrap=True
        )


def _similar(store: Store, embed: Embedding, latents: str, n: int) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    with Progress(console=Console(emoji=False, stderr=True)) as bar:
        for hookpoint in store.hookpoints:
            chosen, _ = parse_latents(latents, store.at(hookpoint).width, seed=0)
            task = bar.add_task(f"similar at {hookpoint}", total=len(chosen))
            windows = similar(
                store, hookpoint, embed, chosen, n=n, advance=lambda done, task=task: bar.advance(task, done)
            )
            yield hookpoint, windows
