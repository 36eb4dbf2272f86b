"""`autointerp prep`: the command that makes a context store."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inspect_autointerp.builtin import demo
from inspect_autointerp.builtin.locate import check_writable
from inspect_autointerp.builtin.weights import weights_folder
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.config import compared, config_defaults
from inspect_autointerp.prep.cli.suite_option import check_options, checked, existing, suite_defaults
from inspect_autointerp.prep.write.upload import outgoing
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import is_url
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.trust import trusted


def prep(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="Hugging Face model, by name or folder; `demo` or `smollm2`.")],
    output: Annotated[str, typer.Option("--output", "-o", help="Folder or URL of the new store.")],
    coder: Annotated[
        list[str] | None,
        typer.Option(
            help="A folder of SAELens, sparsify or Gemma Scope; `release:id` of SAELens; `neurons`, `neurons:32`,"
            " `neurons:3rms`, `neurons:32:rotated`, `dimensions`, `random:4096x32` (with --hookpoint); `module:factory`"
            " of your own. Repeat the option for several coders."
        ),
    ] = None,
    hookpoint: Annotated[
        list[str] | None,
        typer.Option(
            help="Place that each coder reads: `layers.12`, `layers.12.mlp`, `layers.12.mlp.down_proj:input`, or"
            " `blocks.12.hook_resid_post`; `autointerp hooks` lists them. Give one per coder, or one for all. Default:"
            " the place that the coder names itself. Coders at one place are called `PLACE@neurons:32`; to choose a"
            " name, give `--hookpoint layers.12@small`."
        ),
    ] = None,
    corpus: Annotated[
        str,
        typer.Option(
            help="Corpus: `stdlib`; a file, folder or URL (text, JSON, CSV, Parquet; also .gz, .bz2, .xz, .zst); or"
            " dataset[@revision][:config] on the Hub."
        ),
    ] = "stdlib",
    corpus_split: Annotated[str, typer.Option(help="Split of a Hugging Face dataset.")] = "train",
    column: Annotated[str, typer.Option(help="Column that holds the text.")] = "text",
    separator: Annotated[
        str | None,
        typer.Option(
            help="Separator of the documents in a text file, such as `<|endoftext|>` or `\\n\\n`; by default a file"
            " is one document."
        ),
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of the corpus to read.")] = 1_000_000,
    context_length: Annotated[int, typer.Option(min=1, help="Tokens the subject sees at once, without BOS.")] = 256,
    bos: Annotated[
        bool | None,
        typer.Option(
            "--bos/--no-bos",
            help="Put BOS before every text. Default: as the coders were trained, if they say so; otherwise, if"
            " the subject has a BOS token.",
            show_default=False,
        ),
    ] = None,
    window: Annotated[int, typer.Option(min=1, help="Tokens in a context.")] = 32,
    center: Annotated[bool, typer.Option("--center", help="Centre contexts on the latent's peak.")] = False,
    pack: Annotated[
        bool, typer.Option("--pack", help="Fill each context length with text from several documents.")
    ] = False,
    sample: Annotated[int, typer.Option(min=1, help="Windows kept per latent and split, drawn uniformly.")] = 128,
    top: Annotated[
        int, typer.Option(min=0, help="Windows kept per latent and split for the strongest activations.")
    ] = 32,
    pool: Annotated[
        int, typer.Option(min=1, help="Windows kept for all latents together, as non-activating contexts.")
    ] = 1024,
    min_active: Annotated[
        int, typer.Option(min=0, help="Mark latents that fire in fewer windows as rare; they are kept.")
    ] = 200,
    neighbours: Annotated[
        str, typer.Option(help="Weights whose cosines define a latent's neighbours: `decoder`, `encoder` or `none`.")
    ] = "decoder",
    test_fraction: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="Share of documents in the test split.")
    ] = 0.5,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Random seed for window sampling and the document split.")
    ] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Chunks per forward pass.")] = 16,
    device: Annotated[str, typer.Option(help="Device: `cpu`, `cuda`, `cuda:1`, … or `auto`.")] = "auto",
    dtype: Annotated[
        str, typer.Option(help="Type of the subject's weights: `float32`, `bfloat16`, `float16` or `auto`.")
    ] = "float32",
    coder_dtype: Annotated[
        str, typer.Option(help="Type of the coders' weights: `float32` or `bfloat16`; sums are always float32.")
    ] = "float32",
    attention: Annotated[
        str | None,
        typer.Option(help="Attention: `eager`, `sdpa`, `flash_attention_2`, …; by default transformers chooses."),
    ] = None,
    quantization: Annotated[
        str | None, typer.Option(help="Load the subject in `8bit` or `4bit`, by bitsandbytes.")
    ] = None,
    device_map: Annotated[
        str | None, typer.Option(help="Spread the subject over devices, as transformers does: `auto`, `balanced`, …")
    ] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the subject, if there is any.")
    ] = False,
    other_model: Annotated[
        bool,
        typer.Option(
            "--other-model", help="Accept coders trained on a model of another name, such as a fine-tune's base."
        ),
    ] = False,
    revision: Annotated[str | None, typer.Option(help="Model revision on the Hugging Face Hub.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing store.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run, if there is one.")] = False,
    checkpoint: Annotated[
        float, typer.Option(min=0, help="Minutes between checkpoints, from which --resume continues.")
    ] = 10,
    shard: Annotated[
        str | None,
        typer.Option(
            help="Run one of n shards, such as `2/7`, for `autointerp merge`. `auto` takes i and n from torchrun or"
            " srun, which is also the default under them."
        ),
    ] = None,
    workers: Annotated[
        str | None, typer.Option(help="Workers on a Ray cluster: a number, or `auto` for one per GPU or CPU.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Estimate time, memory and disk, then stop.")] = False,
    config: Annotated[
        str | None,
        typer.Option(
            callback=config_defaults,
            is_eager=True,
            metavar="FILE",
            help="Read options that are not given here from a YAML file with their names, or from a store's"
            " manifest.json to make that store again.",
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            callback=suite_defaults,
            is_eager=True,
            help="Make the store of a named suite, in the cache unless --output is given, and compare digests;"
            " `autointerp suites` lists them.",
        ),
    ] = None,
) -> None:
    """Run a model over a corpus once and keep contexts of every latent of its coders.

    \b
    Example:
      autointerp prep gpt2 --coder gpt2-small-res-jb:blocks.8.hook_resid_pre \\
        --corpus wikitext:wikitext-103-v1 --tokens 10000000 --device cuda \\
        -o contexts/gpt2
      autointerp prep --config contexts/gpt2/manifest.json -o contexts/again
      autointerp prep --suite gpt2-small --device cuda
    """
    check_writable(output)
    if suite is not None:
        check_options(context, suite)
        there = None if overwrite or dry_run or is_url(output) else existing(suite, Path(output))
        if there:
            _say(there)
            return
    try:
        from inspect_autointerp.prep.cli.estimate import estimate
        from inspect_autointerp.prep.cli.named_code import refuse_named_code
        from inspect_autointerp.prep.run.cluster import prep_on_cluster
        from inspect_autointerp.prep.run.run import prep as run
        from inspect_autointerp.prep.run.run import prep_shard
        from inspect_autointerp.prep.run.run_spec import Job
        from inspect_autointerp.prep.run.shard import Shard
    except ImportError as error:
        raise UserError(f'prep needs more packages ({error}): `pip install "inspect-autointerp[prep]"`') from error

    trust_remote_code = trust_remote_code or trusted()
    coders, names = list(coder or []), {}
    if not trust_remote_code:
        refuse_named_code(context, coders, attention)
    if subject == "demo":
        subject = str(demo.SUBJECT)
        coders = coders or [str(path) for path in demo.coders()]
        names = {subject: demo.NAME} | {str(path): f"{demo.NAME}/{path.name}" for path in demo.coders()}
    else:
        folders = {name: weights_folder(name) for name in (subject, *coders)}
        names = {folder: name for name, folder in folders.items() if folder != name}
        subject, coders = folders[subject], [folders[name] for name in coders]
    settings = Settings(**{field.name: context.params[field.name] for field in fields(Settings)})
    if workers and shard:
        raise UserError("--workers makes the shards itself; leave out --workers or --shard")
    if workers not in (None, "auto") and not (workers.isdigit() and int(workers)):
        raise UserError(f"--workers {workers}: must be a number, at least 1, or auto")
    part = None if workers else Shard.parse(shard)
    job = Job(
        subject=subject,
        coders=coders,
        settings=settings,
        hookpoints=hookpoint or [],
        revision=revision,
        bos=bos,
        batch_size=batch_size,
        device=_device(device, part.local if part else 0),
        device_map=device_map,
        trust_remote_code=trust_remote_code,
        other_model=other_model,
        names=names,
    )
    if dry_run:
        estimate(job, shards=part.of if part else 1)
        return
    if part:
        if is_url(output):
            raise UserError(f"--shard needs a local folder that `autointerp merge` can read, got {output}")
        options = {"overwrite": overwrite, "resume": resume, "checkpoint_minutes": checkpoint}
        done = prep_shard(job, Path(output), part, **options)
        _say(f"{done}: done; once all {part.of} shards are done, run `autointerp merge {output}`")
        return
    with outgoing(output, overwrite=overwrite) as (folder, replace):
        if workers:
            n = None if workers == "auto" else int(workers)
            manifest = prep_on_cluster(job, folder, n, overwrite=replace, resume=resume)
        else:
            manifest = run(job, folder, overwrite=replace, resume=resume, checkpoint_minutes=checkpoint)
    report(output, manifest)
    if comparison := checked(suite, manifest, output) if suite else compared(context, manifest):
        _say(comparison)


def report(output: str | Path, manifest: Manifest) -> None:
    """Print what a new store holds."""
    widths = ", ".join(f"{name} ({entry.width:,} latents)" for name, entry in sorted(manifest.hookpoints.items()))
    _say(
        f"{output}: {manifest.n_tokens:,} tokens of {manifest.n_documents:,} documents at {widths};"
        f" digest {manifest.digest}"
    )
    if manifest.n_tokens < manifest.settings.tokens:
        _say(f"The corpus ended before the {manifest.settings.tokens:,} tokens asked for.")


def _say(what: str) -> None:
    Console().print(what, markup=False, highlight=False, soft_wrap=True)


def _device(name: str, local: int) -> str:
    import torch

    if name == "auto":
        return f"cuda:{local % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {name}: not available on this machine ({str(error).splitlines()[0]})") from error
    return name
