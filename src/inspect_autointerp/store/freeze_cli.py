"""`autointerp freeze`: the command that writes a small store with some latents of a larger one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

_HELP_LATENTS = (
    "Latents of each hookpoint: `sample:100` draws as an evaluation does, from those that can be evaluated;"
    " `0:100`, `3,17,40`, `all`."
)


def freeze(
    store: Annotated[str, typer.Argument(help="A context store: a folder, a URL, or the name of a built-in one.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder of the new store.")] = None,
    latents: Annotated[str, typer.Option(help=_HELP_LATENTS)] = "sample:100",
    hookpoint: Annotated[list[str] | None, typer.Option(help="Hookpoint to keep; repeatable. All by default.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of `sample:`, the same as `-T seed=` of an evaluation.")
    ] = 0,
    min_contexts: Annotated[
        int, typer.Option(min=1, help="Fewest contexts of a latent for `sample:`, the same as `-T min_contexts=`.")
    ] = 20,
    licence: Annotated[str | None, typer.Option(help="Licence of the text, for the manifest.")] = None,
    notice: Annotated[
        Path | None, typer.Option(help="A text file about the text's sources and licences; becomes NOTICE.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Report how far STORE agrees with this frozen store, and write nothing.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store at --output.")] = False,
) -> None:
    """Write a small store with some latents of a larger one, and all that their contexts and negatives need.

    It takes a few megabytes. An evaluation of these latents that does not run the subject gives exactly the result
    that it gives on the whole store. Publish it once, and everybody evaluates on the same bytes.

    \b
    Example:
      autointerp freeze contexts/gpt2 --latents sample:100 -o contexts/gpt2-100
      autointerp freeze contexts/gpt2-again --compare contexts/gpt2-100
    """
    from inspect_autointerp.builtin.locate import check_writable, locate
    from inspect_autointerp.contexts.selection import usable_or_named
    from inspect_autointerp.errors import UserError
    from inspect_autointerp.store.agreement import agreement, agreement_table
    from inspect_autointerp.store.atomic import reason, refuse_existing
    from inspect_autointerp.store.freeze import freeze as write_frozen
    from inspect_autointerp.store.manifest import STORE
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.text.plural import plural

    console = Console(emoji=False)
    if compare is not None:
        if output is not None:
            raise UserError("--compare writes nothing; leave out --output")
        one, other = Store(locate(compare)), Store(locate(store))
        (console if console.is_terminal else Console(emoji=False, width=160)).print(
            agreement_table(one, agreement(one, other))
        )
        return
    if output is None:
        raise UserError("give -o FOLDER for the new store, or --compare FROZEN")
    check_writable(str(output))
    refuse_existing(output, kind=STORE, overwrite=overwrite)
    try:
        text = None if notice is None else notice.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"--notice {notice}: cannot be read ({why})") from error
    source = Store(locate(store))
    names = hookpoint or source.hookpoints
    chosen = {source.at(name).name: usable_or_named(source, name, latents, min_contexts, seed) for name in names}
    manifest = write_frozen(
        source, chosen, output, selection=latents, licence=licence, notice=text, overwrite=overwrite
    )
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    held = ", ".join(f"{name} ({plural(len(indices), 'latent')})" for name, indices in chosen.items())
    source_digest = manifest.frozen.source if manifest.frozen else ""
    line = f"{output}: {held}; {size / 1e6:.1f} MB, digest {manifest.digest}, frozen from {source_digest}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
