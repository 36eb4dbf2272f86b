"""`autointerp prep`: the command that makes a context store."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from inspect_autointerp.builtin import demo
from inspect_autointerp.builtin.locate import check_writable
from inspect_autointerp.builtin.weights import weights_folder
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.config import compared, config_defaults
from inspect_autointerp.prep.cli.spec_options import with_spec_options
from inspect_autointerp.prep.cli.suite_option import check_options, checked, existing, suite_defaults
from inspect_autointerp.prep.write.upload import outgoing
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import is_url
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.trust import trusted
from inspect_autointerp.text.plural import plural

if TYPE_CHECKING:
    from inspect_autointerp.prep.run.run_spec import Job


@with_spec_options
def prep(
    context: typer.Context,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Folder or URL of the new store; only with --suite may it be left out."),
    ] = None,
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
    **spec: Any,
) -> None:
    """Run a model over a corpus once and keep contexts of every latent of its coders.

    \b
    Example:
      autointerp prep gpt2 --coder gpt2-small-res-jb:blocks.8.hook_resid_pre \\
        --corpus Salesforce/wikitext:wikitext-103-raw-v1 --tokens 10000000 --device cuda \\
        -o contexts/gpt2
      autointerp prep --config contexts/gpt2/manifest.json -o contexts/again
      autointerp prep --suite gpt2-small --device cuda
    """
    if spec["subject"] is None:
        raise UserError("SUBJECT is missing; give a Hugging Face model by name or folder, `demo` or `smollm2`")
    if output is None:
        raise UserError("--output is missing; give the folder or URL of the new store, as in `-o contexts/NAME`")
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
        from inspect_autointerp.prep.run.shard import Shard
    except ImportError as error:
        raise UserError(f'prep needs more packages ({error}): `pip install "inspect-autointerp[prep]"`') from error

    spec["trust_remote_code"] = spec["trust_remote_code"] or trusted()
    if not spec["trust_remote_code"]:
        refuse_named_code(context, spec["coder"] or [], spec["attention"])
    if workers and shard:
        raise UserError("--workers makes the shards itself; leave out --workers or --shard")
    if workers not in (None, "auto") and not (workers.isdigit() and int(workers)):
        raise UserError(f"--workers {workers}: must be a number, at least 1, or auto")
    part = None if workers else Shard.parse(shard)
    job = _job(spec | {"device": _device(spec["device"], part.local if part else 0)})
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


def _job(spec: Mapping[str, Any]) -> "Job":
    """Return the run that the options say; built-in models and coders keep their names in the manifest."""
    from inspect_autointerp.prep.run.run_spec import Job

    subject, coders = spec["subject"], spec["coder"] or []
    if subject == "demo":
        subject = str(demo.SUBJECT)
        coders = coders or [str(path) for path in demo.coders()]
        names = {subject: demo.NAME} | {str(path): f"{demo.NAME}/{path.name}" for path in demo.coders()}
    else:
        folders = {name: weights_folder(name) for name in (subject, *coders)}
        names = {folder: name for name, folder in folders.items() if folder != name}
        subject, coders = folders[subject], [folders[name] for name in coders]
    second = spec["second_subject"]
    if second is not None:
        folder = str(demo.SUBJECT) if second == "demo" else weights_folder(second)
        names |= {folder: demo.NAME if second == "demo" else second} if folder != second else {}
        second = folder
    settings = Settings(**{field.name: spec[field.name] for field in fields(Settings)})
    given = {"subject": subject, "coders": coders, "hookpoints": spec["hookpoint"] or [], "settings": settings}
    given["second_subject"] = second
    others = {field.name: spec[field.name] for field in fields(Job) if field.name in spec and field.name not in given}
    return Job(**given, **others, names=names)


def report(output: str | Path, manifest: Manifest) -> None:
    """Print what a new store holds."""
    widths = ", ".join(
        f"{name} ({plural(entry.width, 'latent')})" for name, entry in sorted(manifest.hookpoints.items())
    )
    _say(
        f"{output}: {plural(manifest.n_tokens, 'token')} of {plural(manifest.n_documents, 'document')} at {widths};"
        f" digest {manifest.digest}"
    )
    if manifest.n_tokens < manifest.settings.tokens:
        _say(f"The corpus ended before the {manifest.settings.tokens:,} tokens asked for.")


def _say(what: str) -> None:
    Console(emoji=False).print(what, markup=False, highlight=False, soft_wrap=True)


def _device(name: str, local: int) -> str:
    import torch

    if name == "auto":
        return f"cuda:{local % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {name}: not available on this machine ({str(error).splitlines()[0]})") from error
    return name
