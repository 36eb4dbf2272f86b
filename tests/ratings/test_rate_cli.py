"""`autointerp rate` and `autointerp ratings`, from the command line to the files."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai.log import EvalSample, write_eval_log
from inspect_ai.scorer import Score
from tests.log_files import log_of
from tests.ratings.sheets import export, right_answers, save, small_sheet, written
from typer.testing import CliRunner, Result

from inspect_autointerp import cli
from inspect_autointerp.builtin import package_store
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.checks import check_items, passed
from inspect_autointerp.ratings.draw import draw, strata
from inspect_autointerp.ratings.key import read_key
from inspect_autointerp.ratings.records import Explained
from inspect_autointerp.ratings.sources import merge
from inspect_autointerp.store.store import Store

N = 6


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.app, [str(one) for one in arguments])
    if isinstance(result.exception, UserError):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def store() -> Store:
    return Store.open(str(package_store.FOLDER))


def log_over(store: Store, path: Path, model: str, digest: str | None = None, **text: str) -> Path:
    """A log with an explanation of each of N latents; two models say the same of the first."""
    at = store.at(None)
    samples = []
    for number, index in enumerate(at.held[:N].tolist()):
        latent = f"{at.name}/{index}"
        words = text.get("text", f"said by {model}" if number else "the same words")
        explanation = {"text": words, "source": "explain/2", "latent": latent, "store": store.digest}
        value: Any = {"balanced_accuracy": 0.5 + 0.05 * number, "unscored": 0.0}
        score = Score(value=value, metadata={"grader": "g", "prompt": "p"})
        metadata = {"index": index, "store": str(store.folder), "explanation": explanation}
        samples.append(
            EvalSample(id=latent, epoch=1, input="", target="", metadata=metadata, scores={"detection": score})
        )
    if not text:
        samples[-1].metadata["explanation"] = {"text": None, "reason": "refused"}
    log = log_of(samples, model)
    log.eval.metadata = (log.eval.metadata or {}) | {"store": digest or store.digest, "hookpoint": at.name}
    write_eval_log(log, str(path))
    return path


@pytest.fixture
def logs(store: Store, tmp_path: Path) -> list[Path]:
    return [log_over(store, tmp_path / f"{name}.eval", f"provider/{name}") for name in ("anton", "berta")]


def test_sheet_of_two_logs_joins_texts_and_shows_no_name(store: Store, logs: list[Path], tmp_path: Path) -> None:
    page, table = tmp_path / "sheet.html", tmp_path / "items.csv"
    result = run("rate", *logs, "-o", page, "--csv", table, "--contexts", 3, "--texts", 4)
    assert "1 latent without an explanation left out" in result.stderr
    key = read_key(tmp_path / "sheet.key.json")
    assert key.store == store.digest
    assert len(key.explained) == 2 * (N - 1) - 1, "the same words are rated once"
    [same] = [one for one in key.explained if one.text == "the same words"]
    assert same.explainers == ["provider/anton explain/2", "provider/berta explain/2"]
    assert same.scores == {"detection.balanced_accuracy": 0.5}
    kinds = [item.task for item in key.items.values() if item.check is None]
    assert [kinds.count(task) for task in ("detection", "scale", "preference")] == [9, 9, N - 2]
    for file in (page, table):
        text = file.read_text("utf-8").replace("said by provider/", "said by ")  # what an explanation says is shown
        assert "provider/" not in text
        assert store.at(None).name not in text
        assert str(store.folder) not in text
    with table.open(encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == key.n_questions


def test_rated_contexts_fire_labelled_ones_are_others(store: Store, logs: list[Path], tmp_path: Path) -> None:
    run("rate", *logs, "-o", tmp_path / "a.html", "--contexts", 3, "--texts", 4)
    content = json.loads((tmp_path / "a.key.json").read_text("utf-8"))
    for item in content["items"].values():
        if item["check"] is not None:
            continue
        latent = content["explanations"][item["which"][0]]["latent"]
        index = int(latent.rpartition("/")[2])
        own = LatentContexts(store, store.at(None).latent(index), centered=False)
        fires = {context.start for context in own.activating("test")}
        shown = set(item["starts"])
        if item["task"] == "detection":
            assert [int(start in fires) for start in item["starts"]] == item["truths"]
            assert sum(item["truths"]) == 2
        else:
            assert len(shown) == 3
            assert shown <= fires
            for other in content["items"].values():
                same = other["check"] is None and set(other["which"]) & set(item["which"])
                assert not (same and other["task"] == "detection" and shown & set(other["starts"]))


def test_ids_are_new_each_time_and_the_draw_is_the_seeds(logs: list[Path], tmp_path: Path) -> None:
    keys = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run("rate", *logs, "-o", tmp_path / f"{name}.html", "--latents", 2, "--seed", seed, "--tasks", "scale")
        keys.append(read_key(tmp_path / f"{name}.key.json"))
    texts = [sorted((one.latent, one.text) for one in key.explained) for key in keys]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]
    assert not set(keys[0].items) & set(keys[1].items)
    assert keys[0].sheet != keys[1].sheet


def test_file_of_explanations_needs_its_store(store: Store, tmp_path: Path) -> None:
    at = store.at(None)
    file = tmp_path / "mine.jsonl"
    rows = [{"latent": f"{at.name}/{index}", "explanation": f"words {index}"} for index in at.held[:3].tolist()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    run("rate", store.folder, "--explanations", file, "-o", tmp_path / "a.html", "--tasks", "scale,detection")
    key = read_key(tmp_path / "a.key.json")
    assert {name for one in key.explained for name in one.explainers} == {"mine"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "-o", "x.html"], "no such store or log"),
        (["STORE", "-o", "x.html"], "no explanation to rate"),
        (["STORE", "STORE", "-o", "x.html"], "a second store"),
        (["LOG"], "-o sheet.html is missing"),
        (["LOG", "-o", "x.html", "--tasks", "ranking"], "give some of detection, scale, preference"),
        (["LOG", "-o", "x.html", "--latents", "0"], "--latents must be at least 1"),
        (["LOG", "-o", "x.html", "--by", "speed"], "no explanation has that score"),
        (["LOG", "-o", "x.html", "--texts", "100000"], "has enough contexts"),
        (["LOG", "OTHER", "-o", "x.html"], "over the store other"),
        (["LOG", "--plan", "--within", "2"], "--within must be between 0 and 1"),
        (["LOG", "--plan", "--reliability", "0"], "--reliability must be in"),
    ],
)
def test_wrong_arguments_are_one_line_and_nothing_is_written(
    arguments: list[str], words: str, store: Store, logs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = log_over(store, tmp_path / "other.eval", "m", digest="other", text="x") if "OTHER" in arguments else ""
    places = {"STORE": str(store.folder), "LOG": str(logs[0]), "OTHER": str(other)}
    with pytest.raises(UserError, match=words) as error:
        run("rate", *(places.get(one, one) for one in arguments))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("x*"))


def test_plan_prints_sizes_and_the_stratified_draw(logs: list[Path]) -> None:
    result = run("rate", *logs, "--plan", "--latents", 3, "--reliability", 1)
    assert "Explanations for an interval of ±0.1" in result.stdout
    assert "3 of 6" in result.stdout or "3 of 5" in result.stdout
    assert "0.69" in result.stdout
    assert "Bonett and Wright" in result.stdout


def test_draw_takes_as_many_of_each_stratum(rng: np.random.Generator) -> None:
    density = {f"l/{i}": float(rng.random()) for i in range(90)}
    explained = [Explained(latent=one, text="", explainers=[], scores={"s.x": float(rng.random())}) for one in density]
    places, by = strata(explained, density)
    assert by == "s.x"
    by_score = sorted(explained, key=lambda one: one.scores["s.x"])
    assert [places[one.latent][0] for one in by_score] == [0] * 30 + [1] * 30 + [2] * 30
    assert [places[one][1] for one in sorted(density, key=lambda one: density[one])] == [0] * 30 + [1] * 30 + [2] * 30
    drawn = draw(places, 18, 0)
    assert sorted(places[one] for one in drawn) == sorted((i, j) for i in range(3) for j in range(3) for _ in range(2))
    assert draw(places, 18, 0) == drawn != draw(places, 18, 1)


def test_strata_of_one_score_missing_are_in_the_middle() -> None:
    explained = [Explained(latent=f"l/{i}", text="", explainers=[], scores={"s": i} if i else {}) for i in range(4)]
    places, _ = strata(explained, dict.fromkeys([one.latent for one in explained], 0.1))
    assert [places[f"l/{i}"][0] for i in range(4)] == [1, 0, 1, 2]


def test_merge_takes_the_mean_of_a_score_of_several_logs() -> None:
    rows = [Explained(latent="l/0", text="t", explainers=["a"], scores={"s": value}) for value in (0.5, 1.0)]
    [one] = merge([*rows, Explained(latent="l/0", text="t", explainers=["b"], scores={"r": 2.0})])
    assert one.scores == {"s": 0.75, "r": 2.0}
    assert one.explainers == ["a", "b"]


def test_checks_are_passed_by_who_reads_and_failed_by_who_does_not() -> None:
    items = check_items(8, ("scale", "detection"), 5, 10, 0, [str(i) for i in range(8)])
    assert {(item.task, item.check) for item in items} == {
        ("scale", "wrong"), ("scale", "true"), ("detection", "true"),
    }  # fmt: skip
    for item in items:
        truths = [part.truth for part in item.parts]
        assert len(truths) == (5 if item.task == "scale" else 10)
        reads = truths if item.task == "detection" else [4 if item.check == "true" else 1] * len(truths)
        assert passed(item.task, str(item.check), reads, truths) is True
        assert passed(item.task, str(item.check), [None, *reads[1:]], truths) is None
    for value in (1, 4):
        same = [passed("scale", str(item.check), [value] * 5, [None] * 5) for item in items if item.task == "scale"]
        assert {True, False} == set(same), "the same answer to all passes one sort and fails the other"
    assert check_items(3, ("preference",), 5, 10, 0, ["a", "b", "c"]) == []


def test_ratings_prints_tables_and_writes_files(tmp_path: Path) -> None:
    sheet = small_sheet(4)
    written(tmp_path, sheet)
    files = [save(tmp_path / f"{one}.json", export(sheet, one, right_answers(sheet))) for one in ("anna", "ben")]
    bad = save(tmp_path / "bad.json", {"a": 1})
    result = run(
        "ratings", *files, bad, "--key", tmp_path / "sheet.key.json", "--csv", tmp_path / "e.csv",
        "--graders", tmp_path / "g.csv", "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert "2 raters, 8 of 8 explanations rated" in result.stdout
    assert f"{bad}: no answers" in result.stderr
    numbers = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert numbers["krippendorff_alpha"]["scale"]["alpha"] == 1
    detection = numbers["spearman_with_people"]["detection.balanced_accuracy"]
    assert detection["paper"] == 0.59
    # Ratings are 2, 3, 2, 3 and so on; scores rise from explanation to explanation.
    ratings_ranks, score_ranks = [2.5, 6.5] * 4, [1, 2, 3, 4, 5, 6, 7, 8]
    assert detection["observed"]["value"] == pytest.approx(np.corrcoef(ratings_ranks, score_ranks)[0, 1])
    with (tmp_path / "g.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 16
    assert {row["grader"] for row in rows} == {"person:anna", "person:ben"}
    assert {row["balanced_accuracy"] for row in rows} == {"1.0"}
    with (tmp_path / "e.csv").open(encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [row["rating"] for row in table] == ["2.0", "3.0"] * 4
    assert numbers["preferences"]["other-model method/9"]["share"] == 1


def test_ratings_takes_scores_of_further_logs(store: Store, logs: list[Path], tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    run("rate", *logs, "-o", page, "--tasks", "scale", "--checks", 0, "--contexts", 1)
    key = read_key(tmp_path / "sheet.key.json")
    values = {name: 1 + i % 4 for i, name in enumerate(key.items)}
    with (tmp_path / "a.csv").open("w", encoding="utf-8") as stream:
        stream.write("sheet,item,part,answer,rater\n")
        stream.writelines(f"{key.sheet},{name},0,{value},anna\n" for name, value in values.items())
    other = log_over(store, tmp_path / "other.eval", "m", digest="other", text="x")
    result = run(
        "ratings", tmp_path / "a.csv", "--key", tmp_path / "sheet.key.json", "--logs", logs[0], "--logs", other
    )
    assert "over the store other" in result.stderr
    assert "reliability of the mean rating is unknown" in result.stdout
    with pytest.raises(UserError, match="no log has a score of an explanation of the sheet"):
        run("ratings", tmp_path / "a.csv", "--key", tmp_path / "sheet.key.json", "--logs", other)
