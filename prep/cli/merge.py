"""`autointerp merge`: the command that joins shards into a store."""

from pathlib import Path
from typing import Annotated

import typer

from inspect_autointerp.builtin.locate import check_writable
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.prep import report


def merge(
    output: Annotated[str, typer.Argument(help="The store's path, the same as --output of `prep --shard`.")],
    shards: Annotated[Path | None, typer.Option(help="Folder of the shards; by default OUTPUT.shards.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing store.")] = False,
) -> None:
    """Join the shards of a run into the store that a single run would have made, bit for bit.

    \b
    Example, on two GPUs:
      autointerp prep … -o contexts/gpt2 --shard 1/2 --device cuda:0 &
      autointerp prep … -o contexts/gpt2 --shard 2/2 --device cuda:1 &
      wait
      autointerp merge contexts/gpt2
    Afterwards the shards, in contexts/gpt2.shards, can be removed.
    """
    try:
        from inspect_autointerp.prep.run.merge import merge as join
    except ImportError as error:
        raise UserError(f'merge needs more packages ({error}): `pip install "inspect-autointerp[prep]"`') from error
    report(output, join(Path(check_writable(output)), shards=shards, overwrite=overwrite))
