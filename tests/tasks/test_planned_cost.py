"""`autointerp cost`: it predicts what the tasks ask, and asks nobody."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from inspect_ai import eval as inspect_eval
from inspect_ai.event import ModelEvent
from inspect_ai.log import read_eval_log
from inspect_ai.model import get_model
from tests.tiny_suite import content

from inspect_autointerp import cli
from inspect_autointerp.cost.plan import planned
from inspect_autointerp.cost.recorded_calls import calls_of, drawn
from inspect_autointerp.tasks import multi_score

LEXICAL = "inspect_autointerp/lexical"
SMALL: dict[str, Any] = {"latents": "sample:3", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}
ARGUMENTS = [part for name, value in SMALL.items() for part in ("-T", f"{name}={value}")]


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["autointerp", "cost", *map(str, arguments)])
    with pytest.raises(SystemExit) as info:
        cli.main()
    captured = capsys.readouterr()
    return int(info.value.code or 0), captured.out, captured.err


@pytest.mark.parametrize(
    ("explainer", "scores"),
    [
        ("explain", "judged"),
        ({"name": "refine", "rounds": 1, "checked": 6, "by": "grader"}, "detection,fuzzing"),
        ({"name": "best_of", "n": 2, "checked": 6, "by": "words", "contrastive": 3}, "fuzzing,simulation"),
        ("shuffled", "detection,simulation"),
    ],
    ids=str,
)
def test_planned_prompts_are_those_of_a_lexical_run(
    explainer: Any, scores: str, store_folder: Path, tmp_path: Path
) -> None:
    small: dict[str, Any] = SMALL | {"scores": scores, "latents": "sample:2"}
    options = [f"{name}={value}" for name, value in small.items()]
    options.append(f"explainer={json.dumps(explainer)}")
    plan = planned([], "a/b", ["grader=c/d"], options, {"store": str(store_folder)})
    calls = calls_of(plan.task, drawn(list(plan.task.dataset), 2, 0), plan.asking, plan.roles)
    predicted = Counter((call.role == "grader", call.latent, call.messages) for call in calls)

    task = multi_score(store=str(store_folder), explainer=explainer, **small)
    grader = get_model(LEXICAL, memoize=False)
    [log] = inspect_eval(
        task, model=LEXICAL, model_roles={"grader": grader}, log_dir=str(tmp_path), display="none", cache=False
    )
    asked = Counter()
    for sample in read_eval_log(log.location, resolve_attachments=True).samples or []:
        for event in sample.events:
            if isinstance(event, ModelEvent):
                prompt = tuple((message.role, message.text) for message in event.input)
                asked[event.role == "grader", str(sample.id), prompt] += 1
    assert asked == predicted
    assert sum(asked.values()) >= 18


def test_money_and_calls_of_a_suite(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("made/up: {input: 1000000, output: 0, input_cache_read: 0, input_cache_write: 0}")
    models = ("--model", "made/up", "--grader", LEXICAL, "--model-cost-config", prices)
    status, out, _ = run(
        monkeypatch, capsys, "detection", "fuzzing", "--store", store_folder, *ARGUMENTS, *models, "--json"
    )
    assert status == 0
    content = json.loads(out)
    explanation, detection, fuzzing = content["rows"]
    assert (content["latents"], content["latents_drawn"], content["relative_half_width_95"]) == (3, 3, 0)
    assert (explanation["for"], explanation["asked"], explanation["calls"]) == ("explanation", "explainer", 3)
    assert explanation["dollars"] == explanation["input_tokens"]  # a dollar a token
    assert (detection["model"], detection["calls"], detection["dollars"]) == (
        LEXICAL,
        12,
        0,
    )  # 20 contexts, five a call
    assert fuzzing["asked"] == "grader"
    assert content["total"]["dollars"] == explanation["dollars"]
    assert any("saves its 3 calls" in line for line in content["notes"])


def test_a_named_suite_says_what_is_evaluated_and_its_grader_needs_no_key(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    judged = {"scores": ["fuzzing", "detection"], "grader": "openai/gpt-x", "grader_options": {"temperature": 0}}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(content(settings={"pool": 600}, evaluation=judged | {"latents": 3})))
    common = ("-T", f"suite={path}", "--store", store_folder)
    status, out, err = run(monkeypatch, capsys, *common, "-T", "explainer=shuffled", "--model", "made/up", "--json")
    assert status == 0, err
    printed = json.loads(out)
    # Of each of three latents 10 + 10 texts, for fuzzing 50 more with wrong marks, five a call: 3 · 14 and 3 · 4.
    asked = [("fuzzing", "grader", "openai/gpt-x", 42), ("detection", "grader", "openai/gpt-x", 12)]
    rows = [(row["for"], row["asked"], row["model"], row["calls"]) for row in printed["rows"]]
    assert [row for row in rows if row[0] != "explanation"] == asked
    assert printed["scores"] == ["fuzzing", "detection"]
    for contradicts, message in (
        (("intruder",), "scores=intruder: suite tiny fixes scores=fuzzing,detection"),
        (("-T", "texts_per_call=2"), "texts_per_call=2: suite tiny fixes texts_per_call=5"),
        (("--latents", "0:9"), "suite tiny draws its own"),
        (("--grader", LEXICAL), "the grader of suite tiny is openai/gpt-x"),
        (("-T", "nothing=1"), "-T nothing=1: the task multi_score has no such argument"),
    ):
        status, _, err = run(monkeypatch, capsys, *contradicts, *common)
        assert status == 2
        assert message in err


def test_a_part_is_multiplied(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("detection", "--store", store_folder, *ARGUMENTS, "--sample", 1)
    status, out, err = run(monkeypatch, capsys, *arguments)
    assert (status, err) == (0, "")
    [line] = [line.split() for line in out.splitlines() if line.startswith("detection ")][1:]
    assert line[1:4] == ["grader", LEXICAL, "4"]
    assert line[7] == "12"
    assert "Measured on 1 of 3 latents." in out
    assert "hooks" not in out  # Inspect's own words


def test_what_runs_here_calls_nobody_and_needs_no_weights(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("firing", "steering"):
        monkeypatch.setitem(sys.modules, f"inspect_autointerp.prep.{module}", None)
    options = (*ARGUMENTS, "-T", 'explainer={"name": "explain", "evidence": "effects"}')
    scores = ("embedding", "surprisal", "intervention", "generation")
    status, out, _ = run(monkeypatch, capsys, *scores, "--store", store_folder, *options, "--json")
    assert status == 0
    content = json.loads(out)
    assert [(row["for"], row["asked"], row["calls"]) for row in content["rows"]] == [
        ("explanation", "explainer", 3),
        ("generation", "writer", 3),
    ]
    for score in scores[:3]:
        assert any(line.startswith(f"{score}: ") and "so it calls no API" in line for line in content["notes"])


def test_a_served_likelihood_model_is_called_for_each_text(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    role = ("--model-role", "likelihood=vllm-completions/base")
    arguments = ("surprisal", "intervention", "--store", store_folder, *ARGUMENTS, *role, "--json")
    status, out, _ = run(monkeypatch, capsys, *arguments, "-T", "explainer=constant")
    assert status == 0
    surprisal, intervention = json.loads(out)["rows"]
    # 20 texts after each of two beginnings, which no two share here; steered and clean after each of 30 prompts at
    # most, each with five explanations
    assert (surprisal["asked"], surprisal["model"], surprisal["calls"]) == ("likelihood", "vllm-completions/base", 120)
    assert 180 < intervention["calls"] <= 900
    assert surprisal["output_tokens"] == surprisal["calls"]


def test_judging_by_probability_writes_no_answers(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judging = ("-T", "judging={name: probability, tuning: 0}", "-T", "explainer=constant")
    given = ("detection", "--store", store_folder, *ARGUMENTS, *judging, "--json")
    for grader in (("--grader", "vllm-completions/base"), ("--model", "vllm-completions/base")):
        status, out, _ = run(monkeypatch, capsys, *given, *grader)
        assert status == 0
        [row] = json.loads(out)["rows"]
        # each of 20 texts of 3 latents with each of two labels; a server generates one token a call, which nobody reads
        assert (row["asked"], row["model"], row["calls"]) == ("grader", "vllm-completions/base", 120)
        assert row["output_tokens"] == row["calls"]
    status, out, _ = run(monkeypatch, capsys, *given, "--grader", "hf/base")
    assert status == 0
    assert json.loads(out)["rows"] == []
    assert any("the grader runs in memory, hf/…, and writes nothing" in note for note in json.loads(out)["notes"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detection", "-T", "judging=probability", "--grader", "a/b"], "grader=a/b: its provider returns no log-"),
        (["detectoin"], "scores=detectoin: give judged, all, or some of"),
        (
            ["detection", "-T", "every=true"],
            "the task detection has no such argument; there are concepts, ",
        ),
        (["detection", "-T", "texts_per_call=many"], "-T texts_per_call=many: Input should be a valid integer"),
        (["detection", "-T", "texts_per_call"], "-T texts_per_call: give NAME=VALUE"),
        (["detection", "-T", "explainer={name:"], "not understood"),
        (["detection", "-T", "explainer=nobody"], "explainer=nobody: unknown explainer"),
        (["--latents", "0:9999"], "out of range; there are latents 0 to 255"),
        (["--model", "gpt-4o"], "--model gpt-4o: give one model, as PROVIDER/NAME"),
        (["--grader", "a/b,c/d"], "--grader a/b,c/d: give one model"),
        (["--model-role", "judge=a/b"], "--model-role judge=a/b: give ROLE=MODEL; the tasks ask the roles grader"),
        (["surprisal", "--model-role", "likelihood=openai/gpt-4o"], "its provider returns no log-probabilities"),
        (["--store", "nowhere"], "nowhere: no such context store"),
        (["--model-cost-config", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    message: str,
    store_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = () if "--store" in arguments else ("--store", store_folder)
    status, out, err = run(monkeypatch, capsys, *arguments, *store)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_rule_of_stopping_is_taken_into_account(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["detection", "--store", store_folder, *ARGUMENTS, "--sample", 2, "--json"]
    calls = []
    for more in ([], ["-T", "stop=above:0.2", "--accuracy", "0.95"]):
        code, out, err = run(monkeypatch, capsys, *given, *more)
        assert (code, err) == (0, "")
        calls.append({row["for"]: row["calls"] for row in json.loads(out)["rows"]})
    assert calls[1]["explanation"] == calls[0]["explanation"]
    assert calls[1]["detection"] < calls[0]["detection"] or calls[0]["detection"] <= 12  # one batch is all there is
    assert any("stop=above:0.2" in note for note in json.loads(out)["notes"])
    code, _, err = run(monkeypatch, capsys, "embedding", "intruder", "--store", store_folder, "-T", "stop=width:0.2")
    assert (code, "none of the scores embedding, intruder labels contexts" in err) == (2, True)


def test_a_precision_says_how_many_latents_and_contexts(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["detection", "--store", store_folder, *ARGUMENTS, "--sample", 2, "--precision", 0.02]
    code, out, _ = run(monkeypatch, capsys, *given)
    assert code == 0
    assert "for a mean ± 0.02 (95 %)" in out
    assert "variance between latents 0.0101" in out
    code, out, _ = run(monkeypatch, capsys, *given, "--json")
    designs = {row["contexts"]: row for row in json.loads(out)["designs"]}
    assert designs[20]["latents"] == 124  # (1.96 / 0.02)² · (0.0101 + 0.0556 / 20)
    code, _, err = run(monkeypatch, capsys, "detection", "--precision", 2)
    assert (code, "--precision must be in (0, 1), got 2" in err) == (2, True)
