"""People on the leaderboard. The raters are simulated: no people have rated."""

import json
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model
from tests.ratings.simulated import answers, save
from typer.testing import CliRunner

from inspect_autointerp.builtin.planted.latents import LATENTS, SORTS
from inspect_autointerp.cli import app
from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.records import checksum
from inspect_autointerp.tasks import detection

ORACLE = "inspect_autointerp/oracle"
LIKES = {"true": 4, "too_broad": 3, "too_narrow": 2, "wrong": 1}


@pytest.fixture(scope="module")
def logs(planted_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of three explainers, graded by three graders in one log each."""
    from inspect_autointerp.builtin import planted

    folder = tmp_path_factory.mktemp("people") / "logs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_AUTOINTERP_CACHE", str(planted_cache))
        store = str(planted.store_folder())
    graders = [get_model(ORACLE, memoize=False, error_rate=rate, seed=seed) for seed, rate in enumerate((0, 0.1, 0.3))]
    for sort in ("true", "too_narrow", "wrong"):
        task = detection(store=store, latents="0:8", test_activating=20, test_nonactivating=20, texts_per_call=20)
        explainer = get_model(ORACLE, memoize=False, explanation=sort)
        [log] = inspect_eval(
            task, model=explainer, model_roles={"grader": graders}, log_dir=str(folder), display="none"
        )
        assert log.status == "success"
    return folder


@pytest.fixture
def rated(logs: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A sheet of these logs, and a folder of three raters' answers."""
    page, folder = tmp_path / "sheet.html", tmp_path / "answers"
    result = CliRunner().invoke(app, ["rate", str(logs), "-o", str(page), "--latents", "8", "--contexts", "2"])
    assert result.exit_code == 0, result.output
    key = tmp_path / "sheet.key.json"
    for number, rater in enumerate(("ada", "bob", "cy")):
        save(folder, answers(key, rater, 0.1, number, likes(key)))
    return folder, key


def likes(key: Path) -> dict[tuple[str, str], int]:
    """Points by latent and explanation: the truer, the more."""
    texts = {
        (f"planted/{i}", latent.claim(sort).text): LIKES[sort] for i, latent in enumerate(LATENTS) for sort in SORTS
    }
    content = json.loads(key.read_text())["explanations"]
    return {(one["latent"], one["text"]): texts[one["latent"], one["text"]] for one in content}


def board(logs: Path, *options: Any) -> Any:
    return CliRunner().invoke(app, ["leaderboard", str(logs), *map(str, options)], env={"COLUMNS": "250"})


def test_people_are_a_row_that_graders_are_compared_with(logs: Path, rated: tuple[Path, Path], tmp_path: Path) -> None:
    folder, key = rated
    result = board(logs, "--ratings", folder, "--key", key, "--json", tmp_path / "rows.json")
    assert result.exit_code == 0, result.output
    assert "People, no model · 3 raters · 8 latents · 240 contexts labelled" in result.output
    assert "with people" in result.output
    assert "Scores against people's ratings" in result.output
    rows = json.loads((tmp_path / "rows.json").read_text())
    [compared] = rows["graders"]
    [people] = [row for row in compared["graders"] if row["grader"] == "people (3 raters)"]
    assert people["contexts"] == 240, "every text that people label was judged by the logs' graders"
    assert people["balanced_accuracy"]["mean"] > 0.85
    assert people["misses"]["mean"] is None
    pairs = [pair for pair in compared["pairs"] if "people (3 raters)" in (pair["first"], pair["second"])]
    assert len(pairs) == 3
    assert {row["people_n"] for row in rows["rows"]} == {8}
    assert len(compared["pairs"]) == 6


def test_scores_correlate_with_people_as_planted(logs: Path, rated: tuple[Path, Path], tmp_path: Path) -> None:
    folder, key = rated
    markdown = tmp_path / "board.md"
    result = board(logs, "--ratings", folder, "--key", key, "--md", markdown)
    assert result.exit_code == 0, result.output
    [table] = [part for part in markdown.read_text().split("\n\n") if part.startswith("| score | graded by")]
    [row] = [line for line in table.splitlines() if line.startswith("| detection")]
    assert float(row.split(" | ")[2].split(" ")[0]) > 0.7
    assert " | 24 | 0.59 |" in row


def test_the_page_has_graders_and_people(logs: Path, rated: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    folder, key = rated
    out = tmp_path / "page"
    result = board(logs, "--graders", "--ratings", folder, "--key", key, "--html", out, "--no-view")
    assert result.exit_code == 0, result.output
    text = (out / "data" / "content.js").read_text()
    content = json.loads(text.removeprefix('receive("content", ').rstrip().removesuffix(");"))
    titles = [view["title"] for view in content["extra"]]
    assert [title.partition(" ·")[0] for title in titles] == [
        "People, no model",
        "Scores against people's ratings",
        "Graders",
        "Agreement of graders",
    ]
    assert any(entry["people"][0] is not None for entry in content["entries"])


def test_files_that_cannot_be_used_are_a_line_each(logs: Path, rated: tuple[Path, Path]) -> None:
    folder, key = rated
    half = answers(key, "half", 0)
    cut = half["answers"][: len(half["answers"]) // 2]
    lines = [" ".join(str(row[one]) for one in ("item", "part", "value", "ms", "changes")) for row in cut]
    save(folder, half | {"answers": cut, "checksum": checksum([half["sheet"], "half", half["session"], *lines])})
    edited = answers(key, "edited")
    edited["answers"][0]["value"] = 1 - edited["answers"][0]["value"]
    save(folder, edited)
    save(folder, answers(key, "other") | {"sheet": "0" * 16})
    again = answers(key, "ada") | {"session": "second"}
    lines = [" ".join(str(r[one]) for one in ("item", "part", "value", "ms", "changes")) for r in again["answers"]]
    again["checksum"] = checksum([again["sheet"], "ada", "second", *lines])
    (folder / "ada-again.json").write_text(json.dumps(again))
    result = board(logs, "--ratings", folder, "--key", key)
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 4, lines
    for word in ("half-finished", "edited after it was saved", "of the sheet", "again, in another session"):
        assert sum(word in line for line in lines) == 1, (word, lines)
    assert "4 raters" in result.output


def test_a_sheet_of_another_store_is_refused(logs: Path, rated: tuple[Path, Path]) -> None:
    folder, key = rated
    content = json.loads(key.read_text())
    key.write_text(json.dumps(content | {"store": "feedfeedfeedfeed"}))
    line = refusal(logs, "--ratings", folder, "--key", key)
    assert "a sheet about the store feedfeedfeedfeed" in line


def test_a_sheet_of_other_explanations_is_refused(logs: Path, rated: tuple[Path, Path]) -> None:
    folder, key = rated
    content = json.loads(key.read_text())
    for one in content["explanations"]:
        one["text"] += " and more"
    key.write_text(json.dumps(content))
    line = refusal(logs, "--ratings", folder, "--key", key)
    assert "none of the sheet's 24 explanations is in these logs" in line


def test_the_only_key_beside_the_answers_is_taken(logs: Path, rated: tuple[Path, Path]) -> None:
    folder, key = rated
    assert "there is no key beside the answers" in refusal(logs, "--ratings", folder)
    key.rename(folder / key.name)
    assert board(logs, "--ratings", folder).exit_code == 0
    (folder / "other.key.json").write_text((folder / key.name).read_text())
    assert "there are 2 keys beside the answers" in refusal(logs, "--ratings", folder)


def test_ratings_that_are_not_there_are_one_line(logs: Path, tmp_path: Path) -> None:
    assert "no such file or folder of answers" in refusal(logs, "--ratings", tmp_path / "nothing")
    assert "--key is for people's answers" in refusal(logs, "--key", "x.key.json")
    (tmp_path / "empty").mkdir()
    assert "no answers there" in refusal(logs, "--ratings", tmp_path / "empty")


def refusal(logs: Path, *options: Any) -> str:
    """Return the one line with which the command refuses."""
    error = board(logs, *options).exception
    assert isinstance(error, UserError)
    assert len(str(error).splitlines()) == 1
    return str(error)
