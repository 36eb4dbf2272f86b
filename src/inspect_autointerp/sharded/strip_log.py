"""A complete log without prompts, answers and reports: `python -m inspect_autointerp.sharded.strip_log LOG`.

What stays: latents, explanations, all scores with what made them and why contexts are unscored, usage, and the metrics:
what leaderboards and exports read.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem
from inspect_ai.log import read_eval_log, read_eval_log_samples, write_eval_log

from inspect_autointerp.inspect_support.values_at_end import has_values, keep_values
from inspect_autointerp.sharded.lifeline import hold_lifeline

_LEFT_OUT = {"messages", "events", "attachments", "store", "output"}


def make_least(location: str) -> None:
    """Replace a log, in one step, by what is left of it."""
    log = read_eval_log(location, header_only=True)
    log.reductions = None
    log.samples = []
    for sample in read_eval_log_samples(location, exclude_fields=_LEFT_OUT):
        scores = {name: score.model_copy(update={"explanation": None}) for name, score in (sample.scores or {}).items()}
        log.samples.append(sample.model_copy(update={"scores": scores}))
    fs, place = fsspec.core.url_to_fs(location)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / Path(place).name
        write_eval_log(log, made)
        if isinstance(fs, LocalFileSystem):
            beside = Path(place).with_name(f".{made.name}.partial")
            shutil.copyfile(made, beside)
            beside.replace(place)
        else:
            fs.put_file(str(made), place)
    if has_values(location):  # those of the log before
        keep_values(location)


if __name__ == "__main__":
    hold_lifeline()
    make_least(sys.argv[1])
