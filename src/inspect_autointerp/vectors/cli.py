"""`autointerp export-vectors`: the command that writes the vectors of latents to a file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def export_vectors(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write, FILE.safetensors.")],
    store: Annotated[
        str | None,
        typer.Argument(
            help="A context store: a folder, a URL, or the name of a built-in one; `smollm2` by default.",
            show_default=False,
        ),
    ] = None,
    latents: Annotated[
        str,
        typer.Option(
            help="Latents of each hookpoint: `all`, `0:100`, `3,17,40`, or `sample:100`, which draws as an evaluation"
            " does, from those that can be evaluated."
        ),
    ] = "all",
    hookpoint: Annotated[list[str] | None, typer.Option(help="Hookpoint; repeatable. All by default.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of `sample:`, the same as `-T seed=` of an evaluation.")
    ] = 0,
    min_contexts: Annotated[
        int, typer.Option(min=1, help="Fewest contexts of a latent for `sample:`, the same as `-T min_contexts=`.")
    ] = 20,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write the encoder and decoder vectors of latents to a safetensors file.

    The file is for programs that explain a latent from its vector: natural-language autoencoders, activation oracles,
    self-interpretation adapters. It holds norms, biases and thresholds too, and says which subject and coder the
    vectors are of; docs/vectors.md lists the keys, and shows how to read the file without this package. The coder is
    loaded as the store names it, so its weights must be on this machine.

    \b
    Example:
      autointerp export-vectors demo --latents sample:100 -o demo.safetensors
      autointerp export-vectors contexts/gpt2 --hookpoint layers.8 --latents 3,17,40 -o three.safetensors
    """
    from inspect_autointerp.builtin.locate import default_store, locate
    from inspect_autointerp.contexts.selection import usable_or_named
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.models.from_store import load_rows
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.vectors.file import write_vectors

    if output.exists() and not overwrite:
        raise UserError(f"{output} exists; give another --output, or --overwrite")
    opened = Store.open(locate(store or default_store()))
    names = list(dict.fromkeys(opened.at(name).name for name in hookpoint or opened.hookpoints))
    chosen = {name: usable_or_named(opened, name, latents, min_contexts, seed) for name in names}
    rows = [load_rows(opened, name, indices) for name, indices in chosen.items()]
    write_vectors(opened, rows, output, overwrite=overwrite)
    console = Console(emoji=False, stderr=True)
    for one in rows:
        shapes = [f"{side} {len(one.index):,} × {array.shape[1]:,}" for side in ("encoder", "decoder")
                  if (array := getattr(one, side)) is not None]  # fmt: skip
        extra = [name.replace("_", " ") for name in ("encoder_bias", "threshold") if getattr(one, name) is not None]
        console.print(f"{one.hookpoint}: {', '.join([*shapes, *extra])}", markup=False, highlight=False, soft_wrap=True)
    size = f"{output.stat().st_size / 1e6:.1f} MB" if output.is_file() else "written"
    console.print(f"{output}: {size}", markup=False, highlight=False, soft_wrap=True)
