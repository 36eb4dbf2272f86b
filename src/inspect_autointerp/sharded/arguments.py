"""Arguments of `autointerp eval-sharded` for `inspect eval`: passed on unchanged, but for those that it sets itself."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click import Context, Option, UsageError

from inspect_autointerp.errors import UserError
from inspect_autointerp.text.json_values import is_dict

_OURS = {
    "--log-dir": "give it before the task's own options, as --log-dir",
    "--limit": "give --latents, which says of all shards together what is evaluated",
    "--sample-id": "give --latents",
    "--sample-shuffle": "a shard's latents are run in order",
    "--run-config": "a sweep takes options one by one",
    "--detach": "a sweep waits for its shards",
    "--no-log-samples": "the scores of latents are in their samples; --log least leaves out the most",
    "--log-format": "a sweep's logs are .eval files",
}
"""Options of `inspect eval` that a sweep has no use for, and why."""
_REACHING = (
    *("--max-connections", "--adaptive-connections", "--max-retries", "--timeout", "--attempt-timeout"),
    *("--stream-idle-timeout", "--max-samples", "--max-tasks", "--max-subprocesses", "--max-dataset-memory"),
    *("--fail-on-error", "--no-fail-on-error", "--continue-on-fail", "--retry-on-error", "--debug-errors"),
    *("--log-level", "--log-level-transcript", "--log-buffer", "--log-model-api", "--no-log-model-api"),
    *("--log-shared", "--no-log-realtime", "--display", "--no-score-display", "--acp-server", "--ctl-server"),
    *("--batch", "--cache", "--cache-prompt", "--model-cost-config", "--tags", "--traceback-locals"),
)
"""Options that change how a shard is run and what its log holds, not what a score says."""
_ENVIRONMENT = "INSPECT_EVAL_"
"""Inspect takes options from environment variables of these names."""


@dataclass(frozen=True)
class Arguments:
    """Options of `inspect eval`, as the user gave them."""

    given: tuple[str, ...]
    task: dict[str, Any]
    """The task's arguments (`-T` and `--task-config`) by name."""

    @staticmethod
    def read(given: Sequence[str]) -> "Arguments":
        """Take options apart.

        Raises:
            UserError: One of them is a sweep's own, or a task's argument has no value.
        """
        task: dict[str, Any] = {}
        for option, value in options(given):
            if option in _OURS:
                raise UserError(f"{option}: not allowed in a sharded evaluation; {_OURS[option]}")
            if option == "--model" and value and "," in value:
                raise UserError(f"--model {value}: a sharded evaluation has one model; run it once for each")
            if option == "--task-config":
                task = _config(value) | task
            if option == "-T":
                name, is_, text = (value or "").partition("=")
                if not name or not is_:
                    raise UserError(f"-T {value}: give -T name=value")
                task[name.replace("-", "_")] = _value(text)
        if "latents" in task:
            raise UserError("-T latents=…: eval-sharded divides the latents itself; give --latents")
        if task.get("stop_mean") is not None:
            raise UserError("-T stop_mean=…: each shard would stop by itself; run inspect eval instead")
        if task.get("suite") is not None:
            raise UserError(f"-T suite={task['suite']}: a suite draws its own latents, few enough for inspect eval")
        return Arguments(tuple(given), task)

    def identity(self) -> list[list[str | None]]:
        """Return what has to be the same for a shard's log to be of the same sweep."""
        pairs: list[tuple[str, str | None]] = [pair for pair in options(self.given) if pair[0] not in _REACHING]
        reaching = {option.removeprefix("--").replace("-", "_").upper() for option in _REACHING}
        for name, value in os.environ.items():
            if name.startswith(_ENVIRONMENT) and name.removeprefix(_ENVIRONMENT) not in reaching:
                pairs.append((name, value))
        return [list(pair) for pair in sorted(pairs, key=str)]

    def has(self, option: str) -> bool:
        """Return whether the user gave an option."""
        return any(name == option for name, _ in options(self.given))


def options(given: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Take options apart as Inspect's own command does: `["--seed=1", "-Tx=3", "--debug"]` has three.

    Yields:
        Each option, in its order and by its first name, and its value; None where it has none.

    Raises:
        UserError: `inspect eval` has no such option, one lacks its value, or something is no option.
    """
    from inspect_autointerp.inspect_support.compat import eval_command

    try:
        values, _, order = eval_command.make_parser(Context(eval_command)).parse_args(list(given))
    except UsageError as error:
        raise UserError(f"inspect eval: {error.format_message()}") from error
    if isinstance(tasks := values["tasks"], tuple) and tasks:  # a marker of click's where there are none
        raise UserError(f"{tasks[0]}: expected an option of inspect eval; a sharded evaluation has one task")
    for parameter in order:
        if isinstance(parameter, Option):
            value = values[str(parameter.name)]
            if parameter.multiple:
                value = value.pop(0)
            negated = value is False and parameter.secondary_opts
            name = (parameter.secondary_opts if negated else parameter.opts)[0]
            yield name, value if isinstance(value, str) else None


def _config(file: str | None) -> dict[str, Any]:
    try:
        config = yaml.safe_load(Path(file or "").expanduser().read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"--task-config {file}: cannot be read ({type(error).__name__})") from error
    if not is_dict(config):
        raise UserError(f"--task-config {file}: not a mapping of arguments by name")
    return config


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
