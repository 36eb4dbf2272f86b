"""Answers that cannot be used are named in one line each, and nothing else is lost by them."""

import csv
import json
from pathlib import Path

import pytest
from tests.ratings.sheets import export, right_answers, save, small_sheet, written

from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.answers import collect_answers
from inspect_autointerp.ratings.items import Sheet
from inspect_autointerp.ratings.key import Key, read_key
from inspect_autointerp.ratings.page import key_path


@pytest.fixture
def sheet() -> Sheet:
    return small_sheet()


@pytest.fixture
def key(tmp_path: Path, sheet: Sheet) -> Key:
    return read_key(key_path(written(tmp_path, sheet)))


def good(folder: Path, sheet: Sheet, rater: str = "anna") -> Path:
    return save(folder / f"{rater}.json", export(sheet, rater, right_answers(sheet)))


def test_whole_answers_are_read_without_a_word(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    collected = collect_answers([good(tmp_path, sheet), good(tmp_path, sheet, "jörg")], key)
    assert collected.problems == []
    assert [one.rater for one in collected.raters] == ["anna", "jörg"]
    assert [len(one.values) for one in collected.raters] == [key.n_questions] * 2
    assert [(one.checks_passed, one.checks) for one in collected.raters] == [(2, 2), (2, 2)]


def test_half_finished_answers_are_used_and_named(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    file = save(tmp_path / "half.json", export(sheet, "ben", right_answers(sheet)[:5]))
    collected = collect_answers([file], key)
    [line] = collected.problems
    assert f"half-finished, 5 of {key.n_questions}" in line
    assert len(collected.raters[0].values) == 5


def test_one_answer_out_of_range_is_one_line(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    rows = right_answers(sheet)
    rows[0] = rows[0] | {"value": 9}
    collected = collect_answers([save(tmp_path / "odd.json", export(sheet, "ben", rows))], key)
    [line] = collected.problems
    assert "the answer 9 is none of" in line
    assert len(collected.raters[0].values) == key.n_questions - 1


def broken(case: str, folder: Path, sheet: Sheet) -> tuple[Path, str]:
    """A file that cannot be used, and what is said of it."""
    rows = right_answers(sheet)
    whole, path = export(sheet, "ben", rows), folder / "bad.json"
    if case == "other sheet":
        return save(path, whole | {"sheet": "sheet-2"}), "of the sheet sheet-2"
    if case == "edited page":
        return save(path, whole | {"content": "00000000"}), "an edited page"
    if case == "edited answers":
        return save(path, whole | {"answers": [rows[0] | {"value": 0}, *rows[1:]]}), "edited after it was saved"
    if case == "another rater's name":
        return save(path, whole | {"rater": "carl"}), "edited after it was saved"
    if case == "no answers":
        return save(path, {"explanations": []}), "no answers; give what the page saves"
    if case == "no rater":
        return save(path, whole | {"rater": None}), "rater, session, saved or answers is missing"
    if case == "cut short":
        path.write_text(json.dumps(whole)[:200], encoding="utf-8")
        return path, "broken JSON"
    return folder / "nowhere.json", "cannot be read"


@pytest.mark.parametrize(
    "case",
    [
        "other sheet",
        "edited page",
        "edited answers",
        "another rater's name",
        "no answers",
        "no rater",
        "cut short",
        "no",
    ],
)
def test_unusable_file_is_one_line_and_others_are_read(case: str, tmp_path: Path, sheet: Sheet, key: Key) -> None:
    file, words = broken(case, tmp_path, sheet)
    collected = collect_answers([file, good(tmp_path, sheet)], key)
    [line] = collected.problems
    assert words in line
    assert line.startswith(str(file))
    assert "\n" not in line
    assert [one.rater for one in collected.raters] == ["anna"]
    with pytest.raises(UserError, match=words):
        collect_answers([file], key)


def test_keep_edited_uses_edited_answers_and_says_so(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    file, _ = broken("edited answers", tmp_path, sheet)
    collected = collect_answers([file], key, keep_edited=True)
    assert len(collected.raters) == 1
    assert "used, as --keep-edited says" in collected.problems[0]


@pytest.mark.parametrize("value", [9, "4", True, None, 2.5])
def test_answer_out_of_range_counts_as_missing(value: object, tmp_path: Path, sheet: Sheet, key: Key) -> None:
    rows = [row | {"value": value} if row["item"] == "s0" and row["part"] == 0 else row for row in right_answers(sheet)]
    collected = collect_answers([save(tmp_path / "odd.json", export(sheet, "ben", rows))], key)
    assert ("s0", 0) not in collected.raters[0].values
    assert "is none of 1, 2, 3, 4" in collected.problems[0]
    assert len(collected.raters[0].values) == key.n_questions - 1


def test_later_save_of_one_session_replaces_the_earlier(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    rows = right_answers(sheet)
    early = save(tmp_path / "a.json", export(sheet, "ben", rows[:3], saved="2026-01-01T10:00:00Z"))
    late = save(tmp_path / "b.json", export(sheet, "ben", rows, saved="2026-01-01T11:00:00Z"))
    for files in ([early, late], [late, early]):
        collected = collect_answers(files, key)
        assert [len(one.values) for one in collected.raters] == [len(rows)]
        [line] = collected.problems
        assert line.startswith(f"{early}: saved earlier than")


def test_file_given_twice_counts_once(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    file = good(tmp_path, sheet)
    collected = collect_answers([file, file], key)
    assert len(collected.raters) == 1
    [line] = collected.problems
    assert "the same answers" in line


def test_rater_twice_in_two_sessions_counts_once(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    rows = right_answers(sheet)
    files = [
        save(tmp_path / "a.json", export(sheet, "ben", rows[:3], session="x")),
        save(tmp_path / "b.json", export(sheet, "ben", rows, session="y")),
        save(tmp_path / "c.json", export(sheet, "ben", rows, session="z")),
    ]
    collected = collect_answers(files, key)
    assert [one.file for one in collected.raters] == [str(files[1])]
    assert [line.partition(":")[0] for line in collected.problems] == [str(files[0]), str(files[2])]
    assert "in another session" in collected.problems[0]
    assert "the same answers" in collected.problems[1]


def test_inattentive_rater_is_left_out_and_named(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    rows = [row | {"value": 1} for row in right_answers(sheet)]  # yes to all: only the wrong explanation is seen
    file = save(tmp_path / "fast.json", export(sheet, "fast", rows))
    assert collect_answers([file], key, least_attention=0.5).raters[0].checks_passed == 1
    with pytest.raises(UserError, match="passed 1 of 2 attention checks"):
        collect_answers([file], key, least_attention=0.75)


def test_filled_csv_gives_the_same_as_the_page(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    values = {(row["item"], row["part"]): row["value"] for row in right_answers(sheet)}
    with (tmp_path / "sheet.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for delimiter in ",;":
        with (tmp_path / "filled.csv").open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), delimiter=delimiter)
            writer.writeheader()
            for row in rows:
                writer.writerow(row | {"answer": values[row["item"], int(row["part"])], "rater": "anna"})
        collected = collect_answers([tmp_path / "filled.csv"], key)
        assert collected.problems == []
        assert collected.raters[0].values == values
    with pytest.raises(UserError, match="no answer in it"):
        collect_answers([tmp_path / "sheet.csv"], key)


def test_csv_with_empty_rows_is_read_and_a_broken_one_is_named(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    first = next(iter(right_answers(sheet)))
    lines = [
        "sheet,item,part,answer,rater",
        f"{key.sheet},{first['item']},{first['part']},{first['value']},anna",
        ",,,,",
    ]
    file = tmp_path / "filled.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert len(collect_answers([file], key).raters[0].values) == 1
    file.write_text("\n".join([*lines, '"' + "x" * 200_000]), encoding="utf-8")
    before = csv.field_size_limit(100_000)  # of the process; prep raises it to read corpora
    try:
        with pytest.raises(UserError, match=r"filled\.csv: broken CSV from line \d+ on"):
            collect_answers([file], key)
    finally:
        csv.field_size_limit(before)


def test_key_that_is_none_is_refused(tmp_path: Path, sheet: Sheet, key: Key) -> None:
    with pytest.raises(UserError, match="no key of a sheet"):
        read_key(good(tmp_path, sheet))
    content = json.loads(Path(key.place).read_text("utf-8"))
    del content["explanations"][3]
    with pytest.raises(UserError, match="a damaged key"):
        read_key(save(tmp_path / "k.json", content))
