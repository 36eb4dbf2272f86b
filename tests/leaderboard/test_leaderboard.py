from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from tests.doubles import model, texts_of

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.comparable import compare
from inspect_autointerp.leaderboard.load.header import Estimate
from inspect_autointerp.leaderboard.load.log_entry import Entry, read_entries
from inspect_autointerp.leaderboard.load.results_from_logs import read_results, results_of
from inspect_autointerp.leaderboard.load.setting import Setting
from inspect_autointerp.leaderboard.show.tables import NOTES
from inspect_autointerp.leaderboard.show.tables import tables as table_views
from inspect_autointerp.leaderboard.show.view import markdown
from inspect_autointerp.tasks import detection

NAN = float("nan")
SETTING = Setting(
    score="detection",
    suite="",
    store="d1",
    hookpoint="layers.1",
    grader="g",
    prompt="detection/1",
    options="{}",
    latents="[]",
)


def entry(explainer: str, mean: float = 0.7, floor: bool = False, **changes: Any) -> Entry:
    scores = {"balanced_accuracy": Estimate(mean, mean - 0.1, mean + 0.1, 9), "unscored": Estimate(0.1, 0.0, 0.2, 10)}
    problem = changes.pop("problem", None)
    created = changes.pop("created", "2026-01-01")
    setting, path = replace(SETTING, **changes), f"logs/{explainer}.eval"
    return Entry(explainer, floor, setting, scores, 10, 100.0, NAN, created, path, problem)


def names(tables: list) -> list[list[str]]:
    return [[entry.explainer for entry in table.entries] for table in tables]


def test_rows_are_ordered_by_score_and_floors_come_last() -> None:
    entries = [entry("a", 0.6), entry("shuffled", 0.9, floor=True), entry("b", 0.8), entry("c", NAN)]
    tables, apart = compare(entries)
    assert names(tables) == [["b", "a", "c", "shuffled"]]
    assert not apart


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"store": "d2"}, "another store (d2)", id="store"),
        pytest.param({"grader": "h"}, "another grader (h)", id="grader"),
        pytest.param({"latents": '["x"]'}, "other latents", id="latents"),
        pytest.param({"options": '{"texts_per_call": 1}'}, "other options (texts_per_call=1)", id="options"),
        pytest.param({"hookpoint": "layers.2"}, "another hookpoint (layers.2)", id="hookpoint"),
        pytest.param({"problem": "not finished (status error)"}, "not finished (status error)", id="unfinished"),
    ],
)
def test_what_differs_is_listed_apart_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    tables, apart = compare([entry("a"), entry("b"), entry("c", **changes)])
    assert names(tables) == [["a", "b"]]
    assert [(other.explainer, why) for other, why in apart] == [("c", reason)]


def test_a_repeated_evaluation_counts_once_by_its_newest_log() -> None:
    tables, apart = compare([entry("a", 0.1), entry("a", 0.9)])
    assert [row.scores["balanced_accuracy"].mean for row in tables[0].entries] == [0.9]
    assert apart[0][1] == "a newer log of the same evaluation is shown"


def test_of_two_single_logs_the_newer_one_is_the_table() -> None:
    entries = [entry("example", store="d1", created="2026-01-01"), entry("mine", store="d2", created="2026-02-01")]
    tables, apart = compare(entries)
    assert names(tables) == [["mine"]]
    assert [(other.explainer, why) for other, why in apart] == [("example", "another store (d1)")]


def test_a_random_coder_is_a_table_of_its_own_and_comes_last() -> None:
    random = entry("a", store="d2")
    random = replace(random, coder="random:64x4")
    tables, apart = compare([entry("a"), entry("b"), random, entry("c", store="d3")])
    assert names(tables) == [["a", "b"], ["a"]]
    assert [other.explainer for other, _ in apart] == ["c"]


def test_a_suites_rows_over_another_store_are_refused_with_both_digests() -> None:
    common: Any = {"suite": "tiny/1 · abc", "created": "2025-01-01"}
    others = [entry("c", store="d2", **common), entry("d", store="d2/16", **common)]
    tables, apart = compare([entry("a", **common), *others, entry("e"), entry("f")])
    assert names(tables) == [["e", "f"]]
    assert ("a", "store d1 is not that of suite tiny/1 · abc, d2") in [(row.explainer, why) for row, why in apart]
    # A published digest beats any number of rows.
    tables, apart = compare([replace(entry("a", **common), digest="d1"), *others])
    assert names(tables) == [["a"]]
    assert {why for _, why in apart} == {"store d2 is not that of suite tiny/1 · abc, d1"}


def test_self_made_stores_have_a_table_each() -> None:
    def row(explainer: str, store: str, digest: str | None) -> Entry:
        return replace(entry(explainer, store=store, suite="tiny/1 · abc"), digest=digest, one_store=False)

    rows = [row(name, store, digest) for store, digest in (("d1", "d1"), ("d2", "d2"), ("d3", None)) for name in "ab"]
    tables, apart = compare([*rows, row("c", "d4", None)])
    assert names(tables) == [["a", "b"]] * 3
    assert [(one.explainer, why) for one, why in apart] == [("c", "another store (d4)")]


def test_two_settings_with_two_rows_each_are_two_tables() -> None:
    entries = [entry("a"), entry("b"), entry("a", store="d2"), entry("b", store="d2"), entry("c", store="d2")]
    assert sorted(names(compare(entries)[0])) == [["a", "b"], ["a", "b", "c"]]


def test_no_folder_and_no_log_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such folder; evaluate something first"):
        read_entries(str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"it holds no logs of this project"):
        read_entries(str(tmp_path))


def test_real_logs_make_a_table(store_folder: Path, tmp_path: Path) -> None:
    options: Any = {"latents": "sample:5", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}

    def run(explainer: str, grader: str | None) -> None:
        task = detection(store=str(store_folder), explainer=explainer, grader=grader, **options)
        inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path), display="none")

    for explainer in ("explain", "shuffled", "empty"):
        run(explainer, "inspect_autointerp/lexical")
    sleep(1.1)  # times in logs are in seconds, and this one is to be the newest
    run("explain", None)
    (tmp_path / "2026-01-01T00-00-00-00-00_detection_broken.eval").write_bytes(b"PK\x03\x04 cut short")
    tables, apart = compare(read_entries(str(tmp_path)))
    assert [len(table.entries) for table in tables] == [3, 1], "and the newest by itself, whose grader is another"
    rows = {row.explainer: row for row in tables[0].entries}
    assert {row.explainer for row in rows.values() if row.floor} == rows.keys() - {"inspect_autointerp/lexical"}
    assert set(rows) == {"inspect_autointerp/lexical", "inspect_autointerp/lexical · shuffled", "empty"}
    assert rows["empty"].scores["balanced_accuracy"] == Estimate(0.5, 0.5, 0.5, 5)
    assert rows["empty"].tokens_per_latent > 0
    results = read_results(str(tmp_path))
    numbers = summary(results)
    for entry, explainer in enumerate(results.entries["explainer"]):
        assert numbers["mean"][entry] == pytest.approx(rows[explainer].headline, abs=1e-6)
        assert (numbers["n"][entry], numbers["unscored"][entry]) == (5, 0)
    shares = results.latents["firing_share"].to_numpy()
    assert ((shares > 0) & (shares < 1)).all()
    assert len(results.apart) == 2
    reasons = sorted(reason for _, reason in apart)
    assert reasons[0] == "another grader (inspect_autointerp/lexical, which graded itself)"
    assert reasons[1].startswith("unreadable")


def test_self_graded_models_are_not_ranked_together(store_folder: Path, tmp_path: Path) -> None:
    options: Any = {"latents": "sample:3", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}
    for name in ("one", "two"):
        judge = model(lambda m: str([1] * len(texts_of(m))) if "Text 1: " in m[-1].text else "EXPLANATION: x", name)
        inspect_eval(detection(store=str(store_folder), **options), model=judge, log_dir=str(tmp_path), display="none")
    tables, apart = compare(read_entries(str(tmp_path)))
    assert [len(table.entries) for table in tables] == [1]
    shown, other = tables[0].entries[0].explainer, apart[0][0].explainer
    assert {shown, other} == {"mockllm/one", "mockllm/two"}
    assert apart[0][1] == f"another grader ({other}, which graded itself)"


def test_scores_of_a_suite_have_tables_with_their_graders(store_folder: Path, tmp_path: Path) -> None:
    from inspect_ai import score
    from inspect_ai.log import write_eval_log

    from inspect_autointerp.scorers import detection as detection_scorer
    from inspect_autointerp.tasks import multi_score

    options: Any = {"latents": "sample:3", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}
    task = multi_score(store=str(store_folder), scores="detection,fuzzing", negatives="neighbours", **options)
    [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path), display="none")
    say_yes = model(lambda messages: str([1] * len(texts_of(messages))), "yes")
    scorer = detection_scorer(store=str(store_folder), activating=10, nonactivating=10, negatives="neighbours")
    more = score(log, scorer, model_roles={"grader": say_yes}, action="append")
    write_eval_log(more, str(Path(log.location).with_name("2027-01-01T00-00-00-00-00_more_x.eval")))
    tables, apart = compare(read_entries(str(tmp_path)))
    assert [table.setting.score for table in tables] == ["detection", "fuzzing"]
    results = results_of(tables, apart)
    text = markdown(table_views(results, summary(results)), NOTES)
    assert "against neighbours" in text
    assert "against mismarked" in text
    assert "another grader (mockllm/yes), other options" in "".join(reason for _, reason in apart)


def test_lexical_baseline_is_a_floor_among_models_only() -> None:
    lexical, shuffled = replace(entry("lexical", 0.6), baseline=True), entry("shuffled", 0.9, floor=True)
    [alone], _ = compare([lexical, shuffled])
    assert [(row.explainer, row.floor) for row in alone.entries] == [("lexical", False), ("shuffled", True)]
    [among], _ = compare([lexical, shuffled, entry("model", 0.5)])
    assert [(row.explainer, row.floor) for row in among.entries] == [
        ("model", False), ("shuffled", True), ("lexical", True),
    ]  # fmt: skip
