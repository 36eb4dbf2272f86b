"""The page's folder: what is written, and what is refused."""

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.synthetic_results import synthetic
from inspect_ai import eval as inspect_eval
from tests.leaderboard.logs import write_logs

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.differences import differences
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.page.cards import chosen_latents
from inspect_autointerp.leaderboard.show.page.charts import specifications
from inspect_autointerp.leaderboard.show.page.tables import latents_content, page_content, values_content
from inspect_autointerp.leaderboard.show.page.write import write_page
from inspect_autointerp.tasks import multi_score


def content_of(script: Path, call: str) -> list[Any]:
    """The arguments of the calls that a data file makes, which have to be JSON."""
    lines = script.read_text(encoding="utf-8").splitlines()
    assert all(line.startswith(f"{call}(") and line.endswith(");") for line in lines)
    return [json.loads(f"[{line.removeprefix(f'{call}(').removesuffix(');')}]") for line in lines]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return write_logs(synthetic(explainers=4, latents=6, scores=2), tmp_path_factory.mktemp("logs"), n=3)


@pytest.fixture(scope="module")
def page(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "page"
    write_page(results, folder)
    return folder


def test_the_numbers_are_those_of_the_statistics(results: Results) -> None:
    content = page_content(results, {"logs/a.eval": "a.eval"})
    numbers = summary(results)
    for entry, shown in enumerate(content["entries"]):
        for name in ("mean", "low", "high", "median"):
            assert shown[name] == pytest.approx(numbers[name][entry], abs=6e-5)
        known = ~np.isnan(results.matrix(shown["table"])[:, entry % 4])
        assert sum(shown["bins"]) == known.sum()
    assert [entry["above_floor"] for entry in content["entries"][:4]] == numbers["above_floor"][:2].tolist() + [
        None
    ] * 2
    pairs = differences(results)
    assert [row[7] for row in content["pairs"][2]] == pairs["verdict"][pairs["table"] == 2].tolist()
    values = values_content(results, 1)
    assert values["latents"] == list(range(6))
    assert (
        pytest.approx(results.matrix(1).astype(float), abs=6e-5, nan_ok=True)
        == np.array(values["values"], dtype=float).T
    )
    json.dumps([content, values, latents_content(results, [1])], allow_nan=False)


def test_a_table_without_a_value_is_written(results: Results) -> None:
    none = results.values.assign(value=np.float32("nan"))
    content = page_content(Results(results.entries, none, results.latents, results.estimates, results.apart), {})
    assert content["entries"][0]["mean"] is None
    assert sum(content["entries"][0]["bins"]) == 0


def test_latents_with_a_card_are_spread_evenly(results: Results) -> None:
    assert chosen_latents(results, 10) == list(range(6))
    assert chosen_latents(results, 3) == [0, 2, 5]


def test_a_card_has_every_explainers_verdicts_and_each_context_once(page: Path, results: Results) -> None:
    calls = content_of(page / "cards" / "3.js", "card")
    records = [record for latent, records in calls for record in records if latent == 3]
    assert sorted(record["entry"] for record in records) == list(range(8)), "four explainers, two scores"
    contexts = [context for record in records for context in record["contexts"]]
    assert len(contexts) == len({tuple(context) for context in contexts}) == 6
    assert {len(record["rows"]) for record in records} == {6}
    assert {context for record in records for context, _, _ in record["rows"]} == set(range(6))
    assert records[0]["said"] == "names of things 3"


def test_the_folder_is_whole_and_names_no_other_place(page: Path, results: Results) -> None:
    index = (page / "index.html").read_text()
    for name in ("assets/data.js", "data/content.js", "assets/page.js", "assets/styles.css"):
        assert f'"{name}"' in index
        assert (page / name).is_file()
    for name in ("assets/vega.js", "data/latents.js", "data/values-1.js", "data/charts.js", "cards/0.js"):
        assert (page / name).is_file()
    written = [path for path in page.rglob("*") if path.suffix in (".html", ".css") or path.parent.name == "data"]
    for path in written:
        text = path.read_text().replace("http-equiv", "")
        assert "http" not in text.replace('"$schema":"https://vega.github.io/schema/vega-lite', "")
    assert not list(page.parent.glob(".*")), "nothing is left beside it"


def test_charts_are_valid_by_vega_lites_schema() -> None:
    # Altair refuses an encoding that the schema does not know when it writes a specification.
    assert {name: spec["mark"]["type"] if "mark" in spec else "layer" for name, spec in specifications().items()} == (
        dict.fromkeys(("forest", "deciles", "cost", "correlations", "spread", "length"), "layer")
    )


def test_a_page_is_replaced_and_nothing_else_is(results: Results, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"out is not a leaderboard's page: it is not overwritten; give another"):
        write_page(results, out)
    assert (out / "thesis.txt").read_text() == "mine"
    (out / "thesis.txt").unlink()
    write_page(results, out, cards=1)
    write_page(results, out, cards=2)
    assert len(list((out / "cards").iterdir())) == 2
    (out / "view").mkdir()
    (out / "view" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds a file that is not part of a leaderboard's page \(view/thesis.txt\)"):
        write_page(results, out)
    assert (out / "view" / "thesis.txt").read_text() == "mine"
    (out / "view" / "thesis.txt").unlink()
    with pytest.raises(UserError, match="is inside the folder of logs"):
        write_page(results, out, logs=str(tmp_path))


def test_without_the_extra_a_line_says_what_to_install(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name == "vl_convert":
            raise ImportError(name="vl_convert")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r'needs vl_convert: pip install "inspect-autointerp\[page\]"'):
        write_page(results, tmp_path / "out")


def test_page_of_real_logs_is_written_with_the_viewer(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: Any = {"latents": "sample:3", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}
    task = multi_score(store=str(store_folder), scores="detection,simulation,intruder", **options)
    inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path / "logs" / "a"), display="none")
    out = tmp_path / "page"
    for extra in ([], ["--no-view"]):
        arguments = ["autointerp", "leaderboard", str(tmp_path / "logs"), "--html", str(out), *extra]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 0
        [[_, content]] = content_of(out / "data" / "content.js", "receive")
        entries = {entry["score"]: entry for entry in content["entries"]}
        if extra:
            assert entries["detection"]["view"] is None
            assert not (out / "view").exists()
        else:
            assert (out / "view" / "logs" / entries["detection"]["view"]).is_file()
            assert (out / "view" / "index.html").is_file()
    [[_, records]] = content_of(next((out / "cards").iterdir()), "card")
    told = {content["entries"][record["entry"]]["score"]: record for record in records}
    assert {mark for _, mark, _ in told["detection"]["rows"]} <= {"w", "r", "u"}
    assert len(told["detection"]["rows"]) == 20
    assert {mark for _, mark, _ in told["simulation"]["rows"]} == {""}
    assert all(kind.startswith("question ") for kind, _ in told["intruder"]["contexts"])
    shared = {row[0] for row in told["detection"]["rows"]} & {row[0] for row in told["simulation"]["rows"]}
    assert shared, "a context of both scores is in the card once"
