"""`autointerp export`: the command that writes the explanations and scores of logs in other projects' formats."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def export(
    logs: Annotated[list[str], typer.Argument(help="Inspect logs of this project: files or URLs.", metavar="LOG")],
    to: Annotated[
        str,
        typer.Option(
            help="Format: jsonl, csv, parquet, graph, neuronpedia, delphi, saebench, eleuther.", metavar="FORMAT"
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="File for jsonl, csv, parquet and graph; otherwise a folder."),
    ],
    overwrite: Annotated[bool, typer.Option(help="Replace an existing export.")] = False,
    model_id: Annotated[
        str | None, typer.Option(help="Neuronpedia's name of the subject; by default the last part of its name.")
    ] = None,
    source_id: Annotated[
        str | None, typer.Option(help="Neuronpedia's name of the coder, like 6-res-jb; by default the hookpoint.")
    ] = None,
    author_id: Annotated[
        str, typer.Option(help="Neuronpedia's id of the user who imports the explanations.")
    ] = "inspect-autointerp",
    store: Annotated[
        str | None,
        typer.Option(
            help="For delphi: the logs' store, for the texts in the scores; by default the store named in the logs."
        ),
    ] = None,
    graph: Annotated[
        str | None,
        typer.Option(help="For graph: attribution graph of circuit-tracer or Neuronpedia, labelled in a copy."),
    ] = None,
) -> None:
    """Write the explanations and scores of logs in a format that other projects read.

    \b
    jsonl, csv, parquet  a file: every latent, every score, who explained and who graded
    graph                a copy of the attribution graph (--graph) with explanations as its nodes' labels (clerp)
    neuronpedia          explanations/ and scores/ as batch-N.jsonl.gz; no details of single contexts
    delphi               explanations/, and scores/detection/ and scores/fuzz/ with each activating and random context
                         and its verdict, if the logs' store is at hand or given (--store)
    saebench             one result file; balanced accuracy of detection, null for verdicts and SAE configuration
    eleuther             HOOKPOINT_feature.json, and scores/ of detection (recall) and fuzzing

    What a format has no place for goes into files beside it: provenance.json (explainer, grader, prompts, options,
    store, means with intervals) and latents.jsonl, a line per latent; a single file gets FILE.provenance.json. Latents
    without an explanation, and floors, which use another latent's explanation, are only in tables and latents.jsonl.
    In CSV, a text that a spreadsheet would run as a formula gets a ' in front; `-T explanations=` removes it again.

    \b
    Example:
      autointerp export logs/*.eval --to csv -o scores.csv
      autointerp export logs/x.eval --to graph --graph graph.json -o labelled.json
      autointerp export logs/x.eval --to neuronpedia --model-id gpt2-small --source-id 6-res-jb -o out
    """
    from inspect_autointerp.formats.export import export as write
    from inspect_autointerp.text.plural import plural

    done = write(
        logs,
        to,
        output,
        overwrite=overwrite,
        model_id=model_id,
        source_id=source_id,
        author_id=author_id,
        store=store,
        graph=graph,
    )
    left_out = f"; {plural(done.left_out, 'row')} without an explanation of their own left out" if done.left_out else ""
    what = "nodes labelled" if to == "graph" else "rows"
    Console(emoji=False, stderr=True).print(
        f"{output}: {done.written:,} {what}{left_out}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for note in done.notes:
        Console(emoji=False, stderr=True).print(note, markup=False, highlight=False, soft_wrap=True)
