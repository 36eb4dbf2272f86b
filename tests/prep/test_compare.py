"""`autointerp compare` as a user meets it, on stores of small random coders."""

import csv
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.prep.compared_stores import ORDER, Prep
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.coder_similarity import comparison, views
from inspect_autointerp.store.store import Store

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autointerp", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as info:
            cli.main()
        captured = capsys.readouterr()
        return int(info.value.code or 0), captured.out, captured.err

    return call


@pytest.mark.parametrize("by", ["cosine", "coactivation"])
@pytest.mark.parametrize("candidates", [None, 5])
def test_a_permuted_copy_is_matched_exactly(
    run: Run, stores: Path, tmp_path: Path, by: str, candidates: int | None
) -> None:
    some = [] if candidates is None else ["--candidates", candidates]
    target = tmp_path / "pairs.csv"
    place = (f"{stores / 'one'}:layers.1", stores / "copy")
    status, out, err = run(*place, "--by", by, "--min-fires", 1, *some, "--csv", target)
    assert (status, err) == (0, "")
    pairs = pd.read_csv(target)
    assert (ORDER[pairs["index_b"]] == pairs["index_a"]).all()
    assert len(pairs) >= 60  # of 64; what never fires in the pool has no correlation
    assert pairs["cosine"].to_numpy() == pytest.approx(np.ones(len(pairs)))
    assert pairs["correlation"].dropna().to_numpy() == pytest.approx(np.ones(pairs["correlation"].notna().sum()))
    assert (pairs["fires_a"] == pairs["fires_b"]).all()
    row = next(line for line in out.splitlines() if "†" in line and "[" in line)
    assert row.count("1.000 [1.000, 1.000]") == 1
    assert "100.0 %" in row


def test_layers_of_one_store_and_every_file(run: Run, stores: Path, tmp_path: Path) -> None:
    targets = {name: tmp_path / f"pairs.{name}" for name in ("json", "csv", "parquet", "md")}
    files = [part for name, path in targets.items() for part in (f"--{name}", path)]
    status, out, _ = run(stores / "one", *files)
    assert status == 0
    assert "cosine of decoders †" in out
    table = pd.read_parquet(targets["parquet"])
    assert len(table) == len(pd.read_csv(targets["csv"])) > 0
    assert table["index_a"].is_unique
    assert table["index_b"].is_unique
    content = json.loads(targets["json"].read_text())
    [one] = content["comparisons"]
    assert (one["a"]["hookpoint"], one["b"]["hookpoint"]) == ("layers.1", "layers.2")
    assert (one["matched_by"], one["matched"], one["candidates"]) == ("cosine", len(table), None)
    assert one["estimates"]["cosine"]["mean"] == pytest.approx(table["cosine"].mean())
    assert one["estimates"]["correlation"]["n"] == table["correlation"].notna().sum()
    # Two random dictionaries are as unrelated as one turned at random, and neither is the mean of random pairs.
    assert abs(one["estimates"]["cosine"]["mean"] - one["unrelated"]["mean"]) < 0.05
    assert abs(one["shuffled"]["cosine"]["mean"]) < 0.1 < one["unrelated"]["mean"]
    assert one["pairs"][0]["index_a"] == table["index_a"][0]
    text = targets["md"].read_text()
    assert f"{table['cosine'].mean():.3f} [" in text


def test_of_very_many_latents_the_floor_is_of_some_and_says_so(
    run: Run, stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "UNRELATED", 20)
    monkeypatch.setattr(views, "UNRELATED", 20)
    target = tmp_path / "found.json"
    code, out, _ = run(stores / "one", "--by", "cosine", "--json", target)
    assert code == 0
    assert "unrelated uses at most 20 latents, drawn at random" in out
    assert {one["unrelated"]["n"] for one in json.loads(target.read_text())["comparisons"]} == {20}


def test_two_stores_give_a_map(run: Run, stores: Path, tmp_path: Path) -> None:
    target = tmp_path / "map.md"
    status, out, _ = run(stores / "one", stores / "copy", "--by", "coactivation", "--min-fires", 1, "--md", target)
    assert status == 0
    assert "correlation of activations, mean" in out
    text = target.read_text()
    heat = text[text.index("correlation of activations, mean:") :].splitlines()
    assert heat[2] == "|  | copy:layers.1 |"
    assert heat[4] == "| one:layers.1 | 1.000 |"
    assert re.fullmatch(r"\| one:layers\.2 \| 0\.\d{3} \|", heat[5])


def test_runs_agree_and_the_seed_moves_the_floors_alone(run: Run, stores: Path, tmp_path: Path) -> None:
    estimates = []
    for number, seed in enumerate((0, 0, 1)):
        target = tmp_path / f"{number}.json"
        assert run(stores / "one", "--seed", seed, "--json", target)[0] == 0
        estimates.append(json.loads(target.read_text())["comparisons"][0])
    assert estimates[0] == estimates[1] != estimates[2]
    assert estimates[0]["estimates"] == estimates[2]["estimates"]
    assert estimates[0]["shuffled"] != estimates[2]["shuffled"]


def test_pools_of_one_seed_share_the_smaller(run: Run, stores: Path, tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    status, _, _ = run(
        f"{stores / 'one'}:layers.1", stores / "small-pool", "--by", "coactivation", "--min-fires", 1, "--json", target
    )
    assert status == 0
    [one] = json.loads(target.read_text())["comparisons"]
    assert one["tokens"] == 20 * 32
    assert {(pair["index_a"]) for pair in one["pairs"]} == {int(ORDER[pair["index_b"]]) for pair in one["pairs"]}


def test_other_windows_leave_the_cosine(run: Run, stores: Path, tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    assert run(f"{stores / 'one'}:layers.1", stores / "other-seed", "--json", target)[0] == 0
    [one] = json.loads(target.read_text())["comparisons"]
    assert (one["matched_by"], one["matched"], one["tokens"]) == ("cosine", 64, 0)
    assert set(one["estimates"]) == {"cosine"}
    assert one["pairs"][0]["fires_a"] is one["pairs"][0]["correlation"] is None
    [note] = one["notes"]
    assert "needs the same corpus" in note


def test_what_has_no_directions_is_matched_by_coactivation(run: Run, stores: Path, tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    status, out, _ = run(f"{stores / 'one'}:layers.1", f"{stores / 'neurons'}", "--json", target)
    assert status == 0
    [one] = json.loads(target.read_text())["comparisons"]
    assert one["b"]["hookpoint"] == "layers.1.mlp.down_proj:input"
    assert (one["matched_by"], set(one["estimates"])) == ("correlation", {"correlation"})
    assert "no cosines: layers.1 and layers.1.mlp.down_proj:input are not both of the residual" in out


def test_explanations(run: Run, stores: Path, tmp_path: Path) -> None:
    words = ["commas", "brackets", "imports", "digits"]
    for name, latents in (("a", range(4)), ("b", [int(np.flatnonzero(i == ORDER)[0]) for i in range(4)])):
        rows = [{"index": latent, "explanation": word} for latent, word in zip(latents, words, strict=True)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    sources = ["--explanations-a", tmp_path / "a.jsonl", "--explanations-b", tmp_path / "b.jsonl"]
    target = tmp_path / "found.json"
    status, _, _ = run(f"{stores / 'one'}:layers.1", stores / "copy", *sources, "--json", target)
    assert status == 0
    [one] = json.loads(target.read_text())["comparisons"]
    estimates = one["estimates"]["explanations"]
    assert (estimates["mean"], estimates["n"]) == (pytest.approx(1), 4)
    assert one["shuffled"]["explanations"]["mean"] == 0  # no two share a word

    with (tmp_path / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"index": 0, "explanation": "dots"}\n')
    pair = (f"{stores / 'one'}:layers.1", stores / "copy")
    status, _, err = run(*pair, *sources)
    assert status == 2 and "latent 0 again" in err and "give repeated=first, last or newest" in err
    assert run(*pair, *sources, "-E", "repeated=first", "--json", target)[0] == 0
    assert json.loads(target.read_text())["comparisons"][0]["estimates"]["explanations"]["mean"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{one}:layers.9", "{copy}"], "no hookpoint 'layers.9' in"),
        (["{one}:", "{copy}"], "give a hookpoint after the colon"),
        (["{one}:layers.1"], "one hookpoint, layers.1; give a second STORE"),
        (["{one}", "{none}"], "no such context store"),
        (["{one}:layers.1", "{other-seed}", "--by", "coactivation"], "co-activation needs the same corpus, tokenizer"),
        (["{one}:layers.1", "{neurons}", "--by", "cosine"], "no cosines: layers.1 and layers.1.mlp.down_proj:input"),
        (["{neurons}", "{neurons}", "--by", "cosine"], "(neurons:8) have no directions"),
        (["{one}", "{copy}", "--explanations-a", "a.jsonl"], "explanations are given for one side only"),
        (["{one}", "--csv", "{none}/pairs.csv"], "does not exist"),
        (["{one}", "--explanations-a", "{none}"], "none"),
        (["{one}", "-E", "which=first"], "-E which=first: give NAME=VALUE; names are format, by, key, repeated"),
    ],
)
def test_a_mistake_is_one_line(run: Run, stores: Path, arguments: list[str], message: str) -> None:
    names = {name: stores / name for name in ("one", "copy", "other-seed", "neurons", "none")}
    status, _, err = run(*(argument.format_map(names) for argument in arguments))
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


def test_another_corpus_and_another_subject(
    run: Run, stores: Path, prep: Prep, subject_folder: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    prep(tmp_path / "corpus", coders=[stores / "permuted"], tokens=3000)
    status, _, err = run(f"{stores / 'one'}:layers.1", tmp_path / "corpus", "--by", "coactivation")
    assert (status, err.count("\n")) == (2, 1)
    assert "do not keep the same windows" in err

    model = AutoModelForCausalLM.from_pretrained(subject_folder)
    model.model.layers[0].mlp.down_proj.weight.data += 1
    model.save_pretrained(tmp_path / "subject")
    AutoTokenizer.from_pretrained(subject_folder).save_pretrained(tmp_path / "subject")
    prep(tmp_path / "other", subject=tmp_path / "subject", coders=[stores / "first"])
    status, _, err = run(f"{stores / 'one'}:layers.1", tmp_path / "other", "--by", "cosine")
    assert (status, err.count("\n")) == (2, 1)
    assert "of other weights" in err
    # The same tokens all the same: two subjects' latents are compared by what they do.
    status, out, _ = run(f"{stores / 'one'}:layers.1", tmp_path / "other")
    assert status == 0
    assert "correlation of activations †" in out


def test_a_coder_that_changed_is_refused(run: Run, stores: Path, prep: Prep, tmp_path: Path) -> None:
    coder = Path(shutil.copytree(stores / "first", tmp_path / "coder"))
    prep(tmp_path / "store", coders=[coder])
    shutil.copy(stores / "second" / "sae_weights.safetensors", coder)
    status, _, err = run(f"{stores / 'one'}:layers.1", tmp_path / "store", "--by", "cosine")
    assert (status, err.count("\n")) == (2, 1)
    assert "differ from those that" in err


def test_help_shows_an_example() -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(cli.app, ["compare", "--help"])
    assert "autointerp compare demo" in result.output


def test_the_csv_is_plain(run: Run, stores: Path, tmp_path: Path) -> None:
    target = tmp_path / "pairs.csv"
    run(stores / "one", "--csv", target)
    rows: list[dict[str, Any]] = list(csv.DictReader(target.open()))
    assert rows[0]["store_a"] == Store(stores / "one").digest
    assert rows[0]["explanations"] == ""
