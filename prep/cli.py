"""`autointerp prep`: the command that makes a context store."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inspect_autointerp import demo
from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import Manifest
from inspect_autointerp.settings import Settings


def prep(
    subject: Annotated[str, typer.Argument(help="Hugging Face model, by name or folder; `demo` for the embedded one.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the store goes.")],
    coder: Annotated[
        list[str] | None,
        typer.Option(
            help="A folder of SAELens's, sparsify's or Gemma Scope's; `release:id` of SAELens; `neurons`, `neurons:32`,"
            " `neurons:32:rotated`, `dimensions`, `random:4096x32` (with --hookpoint); `module:factory` of your own."
            " Repeat for several at once."
        ),
    ] = None,
    hookpoint: Annotated[
        list[str] | None,
        typer.Option(
            help="Where each coder reads: `layers.12`, `layers.12.mlp`, `layers.12.mlp.down_proj:input`, or"
            " `blocks.12.hook_resid_post`; `autointerp hooks` lists them. By default, where the coder says it belongs."
        ),
    ] = None,
    corpus: Annotated[
        str, typer.Option(help="`stdlib`, a local file or folder (text, JSON lines, Parquet), or dataset[:config].")
    ] = "stdlib",
    corpus_split: Annotated[str, typer.Option(help="Split of a Hugging Face dataset.")] = "train",
    column: Annotated[str, typer.Option(help="Column that holds the text.")] = "text",
    tokens: Annotated[int, typer.Option(min=1, help="How many tokens of the corpus to read.")] = 1_000_000,
    context_length: Annotated[int, typer.Option(min=1, help="Tokens the subject sees at once, BOS not counted.")] = 256,
    window: Annotated[int, typer.Option(min=1, help="Tokens in a context.")] = 32,
    center: Annotated[bool, typer.Option("--center", help="Centre contexts on the latent's peak.")] = False,
    pack: Annotated[bool, typer.Option("--pack", help="Let what the subject sees run over documents' ends.")] = False,
    sample: Annotated[int, typer.Option(min=1, help="Windows kept per latent and split, uniformly.")] = 128,
    top: Annotated[int, typer.Option(min=0, help="Windows kept per latent and split for their maximum.")] = 32,
    pool: Annotated[int, typer.Option(min=1, help="Windows kept for all latents, for non-activating contexts.")] = 1024,
    min_active: Annotated[
        int, typer.Option(min=0, help="Latents that fire in fewer windows are marked as rare; they are kept.")
    ] = 200,
    neighbours: Annotated[
        str, typer.Option(help="Whose cosines say which latents are neighbours: `decoder`, `encoder` or `none`.")
    ] = "decoder",
    test_fraction: Annotated[float, typer.Option(min=0.05, max=0.95, help="Share of documents to test on.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of what is kept and how documents are split.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Chunks per forward pass.")] = 16,
    device: Annotated[str, typer.Option(help="`cpu`, `cuda`, `cuda:1`, … or `auto`.")] = "auto",
    dtype: Annotated[str, typer.Option(help="`float32`, `bfloat16`, `float16` or `auto`.")] = "float32",
    coder_dtype: Annotated[
        str, typer.Option(help="Of the coders' weights: `float32` or `bfloat16`; they add up in float32 in any case.")
    ] = "float32",
    attention: Annotated[
        str | None, typer.Option(help="`eager`, `sdpa`, `flash_attention_2`, …; transformers' own choice if not given.")
    ] = None,
    quantization: Annotated[str | None, typer.Option(help="`8bit` or `4bit`, by bitsandbytes.")] = None,
    device_map: Annotated[
        str | None, typer.Option(help="How transformers spreads the subject over devices: `auto`, `balanced`, …")
    ] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that comes with the subject, if any does.")
    ] = False,
    revision: Annotated[str | None, typer.Option(help="Of a model on the Hub.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store that exists.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, if there is one.")] = False,
    checkpoint: Annotated[
        float, typer.Option(min=0, help="Minutes between the states that --resume goes on from.")
    ] = 10,
    shard: Annotated[
        str | None,
        typer.Option(
            help="Run the i-th of n shards, as `2/7`, for `autointerp merge`; `auto`, and nothing under torchrun or"
            " srun: what they say."
        ),
    ] = None,
    workers: Annotated[
        str | None, typer.Option(help="Share the run out on a Ray cluster: a number, or `auto` for one per GPU or CPU.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and stop.")] = False,
) -> None:
    """Run a model over a corpus once, and keep contexts of every latent of its coders.

    \b
    Example:
      autointerp prep gpt2 --coder gpt2-small-res-jb:blocks.8.hook_resid_pre \\
        --corpus wikitext:wikitext-103-v1 --tokens 10000000 --device cuda \\
        -o contexts/gpt2
    """
    try:
        from inspect_autointerp.prep.cluster import prep_on_cluster
        from inspect_autointerp.prep.estimate import estimate
        from inspect_autointerp.prep.job import Job
        from inspect_autointerp.prep.run import prep as run
        from inspect_autointerp.prep.run import prep_shard
        from inspect_autointerp.prep.shard import Shard
    except ImportError as error:
        raise UserError(f'prep needs more packages ({error}): `pip install "inspect-autointerp[prep]"`') from error

    coders, names = list(coder or []), {}
    if subject == "demo":
        subject = str(demo.SUBJECT)
        coders = coders or [str(path) for path in demo.coders()]
        names = {subject: demo.NAME} | {str(path): f"{demo.NAME}/{path.name}" for path in demo.coders()}
    settings = Settings(
        corpus=corpus,
        corpus_split=corpus_split,
        column=column,
        tokens=tokens,
        context_length=context_length,
        window=window,
        center=center,
        pack=pack,
        sample=sample,
        top=top,
        pool=pool,
        min_active=min_active,
        neighbours=neighbours,  # type: ignore[arg-type] - checked there
        test_fraction=test_fraction,
        seed=seed,
        dtype=dtype,
        coder_dtype=coder_dtype,  # type: ignore[arg-type] - checked there, as the next
        attention=attention,
        quantization=quantization,  # type: ignore[arg-type]
    )
    if workers and shard:
        raise UserError("--workers makes the shards itself: give it or --shard")
    part = None if workers else Shard.parse(shard)
    job = Job(
        subject=subject,
        coders=coders,
        settings=settings,
        hookpoints=hookpoint or [],
        revision=revision,
        batch_size=batch_size,
        device=_device(device, part.local if part else 0),
        device_map=device_map,
        trust_remote_code=trust_remote_code,
        names=names,
    )
    if dry_run:
        estimate(job, shards=part.of if part else 1)
        return
    if workers:
        if workers != "auto" and not (workers.isdigit() and int(workers)):
            raise UserError(f"--workers {workers}: give a number from 1, or auto")
        n = None if workers == "auto" else int(workers)
        report(output, prep_on_cluster(job, output, n, overwrite=overwrite, resume=resume), tokens)
        return
    if part:
        done = prep_shard(job, output, part, overwrite=overwrite, resume=resume, checkpoint_minutes=checkpoint)
        Console().print(f"{done}: done; with all {part.of} of them, `autointerp merge {output}`", highlight=False)
        return
    manifest = run(job, output, overwrite=overwrite, resume=resume, checkpoint_minutes=checkpoint)
    report(output, manifest, tokens)


def report(output: Path, manifest: Manifest, tokens: int) -> None:
    """Say what a new store holds."""
    widths = ", ".join(f"{name} ({entry.width:,} latents)" for name, entry in sorted(manifest.hookpoints.items()))
    console = Console()
    console.print(
        f"{output}: {manifest.n_tokens:,} tokens of {manifest.n_documents:,} documents at {widths};"
        f" digest {manifest.digest}",
        highlight=False,
        soft_wrap=True,
    )
    if manifest.n_tokens < tokens:
        console.print(f"The corpus ended before the {tokens:,} tokens asked for.")


def _device(name: str, local: int) -> str:
    import torch

    if name == "auto":
        return f"cuda:{local % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {name}: not to be had here ({str(error).splitlines()[0]})") from error
    return name
