"""The options of `autointerp prep` come from the fields of `Job` and `Settings`, and reach them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from inspect_autointerp.cli import app
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.spec_options import DEFAULTS, NO_OPTION, SINGULAR, field_docs
from inspect_autointerp.prep.run import run
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.store.settings import Settings

FIELDS = [(specification, field) for specification in (Job, Settings) for field in fields(specification)]
# fmt: off
OTHERS: dict[str, Any] = {
    "subject": "a/model", "coders": ["neurons", "neurons:2"], "hookpoints": ["layers.0", "layers.1"],
    "revision": "main", "second_subject": "a/chat", "second_revision": "v2",
    "bos": False, "batch_size": 3, "device": "cpu", "device_map": "balanced",
    "trust_remote_code": True, "other_model": True, "corpus": "text.txt", "corpus_split": "test", "column": "content",
    "separator": "---", "tokens": 64, "context_length": 16, "window": 8, "center": True, "pack": True, "sample": 5,
    "top": 4, "pool": 6, "min_active": 7, "neighbours": "encoder", "test_fraction": 0.25, "seed": 9,
    "dtype": "bfloat16", "coder_dtype": "bfloat16", "attention": "eager", "quantization": "8bit",
}
"""A value for each field that is not its default; `cpu` is the one device that every machine has."""
CHATS: dict[str, Any] = {"subject": "a/model", "coders": ["neurons"], "corpus": "chats.jsonl", "chat": "messages"} | {
    "role": "assistant",
    "template_tokens": True,
}
"""The same of fields that do not go together with others."""
# fmt: on


def options() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return {parameter.name: parameter for parameter in group.commands["prep"].params}


def test_every_field_has_an_option_or_a_reason_not_to() -> None:
    names = {field.name for _, field in FIELDS}
    assert {name for name in names if SINGULAR.get(name, name) not in options()} == NO_OPTION.keys()
    assert all(len(reason.split()) > 3 for reason in NO_OPTION.values())
    assert names >= {*NO_OPTION, *SINGULAR, *DEFAULTS}


@pytest.mark.parametrize(("specification", "field"), [case for case in FIELDS if case[1].name not in NO_OPTION])
def test_option_has_its_fields_help_and_default(specification: type, field: Any) -> None:
    name = str(field.name)
    option = options()[SINGULAR.get(name, name)]
    assert getattr(option, "help", None) == field_docs(specification)[name]
    if name not in DEFAULTS and name != "subject":
        assert option.default == field.default


def test_every_field_has_a_text_of_whole_sentences() -> None:
    docs = {**field_docs(Job), **field_docs(Settings)}
    assert docs.keys() == {field.name for _, field in FIELDS}
    assert [name for name, text in docs.items() if not text.endswith((".", "…")) or not text[0].isupper()] == []


@pytest.mark.parametrize("given", [OTHERS, CHATS])
def test_values_of_all_options_reach_the_run(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jobs: list[Job] = []

    def stop(job: Job, *_: object, **__: object) -> None:
        jobs.append(job)
        raise UserError("enough")

    monkeypatch.setattr(run, "prep", stop)
    words = ["prep", given["subject"], "--output", str(tmp_path / "store")]
    for name, value in given.items():
        option = f"--{SINGULAR.get(name, name).replace('_', '-')}"
        if isinstance(value, bool):
            words.append(option if value else f"--no-{name}")
        elif name != "subject":
            words += [word for each in (value if isinstance(value, list) else [value]) for word in (option, str(each))]
    with pytest.raises(UserError, match="enough"):
        app(words)
    [job] = jobs
    values = {name: getattr(job if hasattr(job, name) else job.settings, name) for name in given}
    assert values == given
    assert {field.name for _, field in FIELDS} == {*OTHERS, *CHATS, *NO_OPTION}
    defaults = {field.name: field.default for _, field in FIELDS}
    assert {name for name, value in values.items() if value == defaults[name]} <= {"device"}
