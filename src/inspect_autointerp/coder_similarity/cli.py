"""`autointerp compare`: the command that matches the latents of coders with each other."""

from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from inspect_autointerp.errors import UserError

if TYPE_CHECKING:
    from inspect_autointerp.coder_similarity.comparison import Comparison
    from inspect_autointerp.coder_similarity.hookpoints import Site

_STORE = "a folder, a URL, `smollm2`, `demo` or `planted`; append `:HOOKPOINT` for one hookpoint, else all are taken."

_READING = ("format", "by", "key", "repeated")
"""Options of `supply` that say how a file is read."""


def compare(
    store_a: Annotated[str, typer.Argument(help=f"A context store: {_STORE}", metavar="STORE_A[:HOOKPOINT]")],
    store_b: Annotated[
        str | None,
        typer.Argument(
            help="Second store. Without it, all hookpoints of STORE_A are compared with each other.",
            metavar="STORE_B[:HOOKPOINT]",
        ),
    ] = None,
    by: Annotated[
        Literal["cosine", "coactivation"] | None,
        typer.Option(
            help="Measure to match by. Default: the cosine of decoders if both write in one space (the coders"
            " are then loaded), otherwise the correlation of activations on tokens that both keep. If hookpoints"
            " differ in this, correlation is used for all."
        ),
    ] = None,
    explanations_a: Annotated[
        str | None,
        typer.Option(help="Explanations of STORE_A's latents: a log, or any file that `supply` reads.", metavar="LOG"),
    ] = None,
    explanations_b: Annotated[
        str | None,
        typer.Option(help="The same for STORE_B; with one store, --explanations-a by default.", metavar="LOG"),
    ] = None,
    reading: Annotated[
        list[str] | None,
        typer.Option(
            "--explanations-option",
            "-E",
            metavar="NAME=VALUE",
            help="Option for reading explanations, as `supply` takes it: by=…, key=…, format=…, or repeated=first,"
            " last or newest if a latent has several.",
        ),
    ] = None,
    embedding: Annotated[
        str,
        typer.Option(help="Embedding that compares explanations: `tfidf`, `minilm`, or a sentence-transformers model."),
    ] = "tfidf",
    candidates: Annotated[
        int | None,
        typer.Option(
            min=1, help="Partners considered per latent. Default: all up to 4,096 × 4,096 latents, 32 beyond."
        ),
    ] = None,
    min_fires: Annotated[
        int, typer.Option(min=1, help="Leave correlation undefined for latents that fire on fewer shared tokens.")
    ] = 10,
    threshold: Annotated[float, typer.Option(help="Report the share of matches at or above this value.")] = 0.7,
    unrelated: Annotated[
        bool,
        typer.Option(
            "--unrelated/--no-unrelated", help="Also match unrelated latents, as a floor; takes up to twice as long."
        ),
    ] = True,
    seed: Annotated[int, typer.Option(help="Random seed for the floors.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Write everything, with the matched pairs, as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the matched pairs as CSV.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the matched pairs as Parquet.")] = None,
    md: Annotated[Path | None, typer.Option(help="Write the tables as Markdown.")] = None,
) -> None:
    """Match the latents of two coders one to one, and report the similarity of matches beside floors.

    \b
    Example:
      autointerp compare demo
      autointerp compare contexts/seed0:layers.2 contexts/seed1:layers.2 \\
        --explanations-a logs/seed0.eval --explanations-b logs/seed1.eval --csv pairs.csv
    Stores share tokens if they have the same corpus, tokenizer, context length, window and seed.
    """
    from inspect_autointerp.coder_similarity import results, views

    options = {"by": by, "candidates": candidates, "min_fires": min_fires, "threshold": threshold, "seed": seed}
    options |= {"unrelated": unrelated, "embedding": embedding if explanations_a else None}
    how = _reading(reading or [])
    for target in (json, csv, parquet, md):
        if target is not None and not target.parent.is_dir():
            raise UserError(f"{target}: the folder {target.parent} does not exist")
    pairs = _pairs(store_a, store_b)
    sources = _sources(explanations_a, explanations_b, one_store=store_b is None)
    comparisons = _compared(pairs, by, sources, how, embedding, candidates, min_fires, threshold, unrelated, seed)
    if by is None and len({one.by for one in comparisons}) > 1:  # what stands in one map has to be found alike
        comparisons = _compared(
            pairs, "coactivation", sources, how, embedding, candidates, min_fires, threshold, unrelated, seed
        )
    views.print_terminal(comparisons, threshold)
    if json is not None:
        results.write_json(comparisons, options, json)
    if csv is not None:
        results.write_csv(comparisons, csv)
    if parquet is not None:
        results.write_parquet(comparisons, parquet)
    if md is not None:
        results.write_text(views.markdown(comparisons, threshold), md)


def _pairs(store_a: str, store_b: str | None) -> "list[tuple[Site, Site]]":
    from inspect_autointerp.coder_similarity.hookpoints import find_sites

    first = find_sites(store_a)
    if store_b is not None:
        return list(product(first, find_sites(store_b)))
    if len(first) < 2:
        raise UserError(
            f"{store_a}: it has only one hookpoint, {first[0].hookpoint}; give a second STORE to compare it with"
        )
    return list(combinations(first, 2))


def _sources(a: str | None, b: str | None, *, one_store: bool) -> tuple[str, str] | None:
    if one_store and a is not None:
        b = b or a
    if (a is None) != (b is None):
        raise UserError("explanations are given for one side only; give both --explanations-a and --explanations-b")
    return None if a is None or b is None else (a, b)


def _reading(given: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for option in given:
        name, _, value = option.partition("=")
        if name not in _READING or not value:
            raise UserError(f"-E {option}: give NAME=VALUE; names are {', '.join(_READING)}")
        options[name] = value
    return options


def _compared(
    pairs: "Sequence[tuple[Site, Site]]",
    by: Literal["cosine", "coactivation"] | None,
    sources: tuple[str, str] | None,
    reading: dict[str, str],
    embedding_name: str,
    candidates: int | None,
    min_fires: int,
    threshold: float,
    unrelated: bool,
    seed: int,
) -> "list[Comparison]":
    from inspect_autointerp.coder_similarity.comparison import compare
    from inspect_autointerp.coder_similarity.explanation_similarity import Explained, embedding, explanations_of

    texts: dict[tuple[str, str, str], dict[int, str]] = {}

    def read(site: "Site", source: str) -> dict[int, str]:
        key = (source, str(site.store.folder), site.hookpoint)
        if key not in texts:
            texts[key] = explanations_of(site, source, reading)
        return texts[key]

    embed = embedding(embedding_name, pairs[0][0]) if sources else None
    comparisons: list[Comparison] = []
    with Console(emoji=False, stderr=True).status("comparing …") as status:
        for number, (a, b) in enumerate(pairs, 1):
            name = f"comparing {a.hookpoint} and {b.hookpoint} ({number} of {len(pairs)})"
            status.update(f"{name} …")
            explained = Explained(read(a, sources[0]), read(b, sources[1]), embed) if sources and embed else None
            one = compare(
                a,
                b,
                by=by,
                explained=explained,
                candidates=candidates,
                min_fires=min_fires,
                threshold=threshold,
                unrelated=unrelated,
                seed=seed,
                progress=lambda what, name=name: status.update(f"{name}: {what} …"),
            )
            comparisons.append(one)
    return comparisons
