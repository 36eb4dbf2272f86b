"""PRISM's descriptions, in the layout of the published ones, as explanations of several concepts."""

from pathlib import Path

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import Supplied, read_explanations
from inspect_autointerp.inspect_support.explanation import Concept

HEAD = "layer,unit,description,mean_activation,highlights\n"
ROWS = (
    "0,3,\"Names of days, in full or short\",6.25,\"['Text #1:  Monday (6.5)', 'Text #2:  Fri (6.0)']\"\n"
    "0,3,Names of months,2.5,['Text #1:  May (2.5)']\n"
    '0,3,"Deadlines, ""due"" dates",,[]\n'
)


def read(path: Path, key: str | None = "layer_0") -> Supplied:
    return read_explanations(str(path), hookpoint="layers.0", width=10, key=key)


def write(folder: Path, text: str, name: str = "gpt2-xl_layer-0_unit-3.csv") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_prism_rows_are_concepts_with_weights(tmp_path: Path) -> None:
    supplied = read(write(tmp_path, HEAD + ROWS))
    assert supplied.format == "prism"
    one = supplied.texts[3]
    assert one.concepts == (
        Concept("Names of days, in full or short", 6.25),
        Concept("Names of months", 2.5),
        Concept('Deadlines, "due" dates', None),
    )
    assert one.text == 'Names of days, in full or short; or Names of months; or Deadlines, "due" dates'
    assert (one.method, one.place) == ("prism", f"{tmp_path / 'gpt2-xl_layer-0_unit-3.csv'}:2")


def test_prism_folder_and_a_file_of_many_units(tmp_path: Path) -> None:
    write(tmp_path / "units", HEAD + ROWS)
    write(tmp_path / "units", HEAD + "0,4,Colours,1.0,[]\n", "gpt2-xl_layer-0_unit-4.csv")
    write(tmp_path / "units", "not ours", "notes.csv")
    supplied = read(tmp_path / "units")
    assert [len(supplied.texts[unit].concepts) for unit in (3, 4)] == [3, 0], "one description is a plain explanation"
    one = write(
        tmp_path, "layer,unit,description,score\n0,1, words of sport,0.49\n0,2,days,0.67\n20,1,x,0.1\n", "all.csv"
    )
    supplied = read(one)
    assert {unit: text.text for unit, text in supplied.texts.items()} == {1: "words of sport", 2: "days"}
    assert supplied.passed_over == 1, "the other layer's"


def test_prism_names_a_hookpoint_that_the_user_translates(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing of layers\.0, it is of layer_0; .* give that name as key=…"):
        read(write(tmp_path, HEAD + ROWS), key=None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "x,3,days,1,[]\n", ":2: x, where PRISM writes the numbers of a layer and a unit"),
        (HEAD + "0,-3,days,1,[]\n", ":2: -3, where PRISM writes"),
        (HEAD + "0,3,days,much,[]\n", ":2: much, where PRISM writes a mean activation"),
        (HEAD + "0,3,days,nan,[]\n", ":2: nan, where PRISM writes a mean activation"),
        (HEAD + "0,3,days\n", ":2: 3 fields, and the head has 5"),
        (HEAD + '0,3,"days,1,[]\n', ":2: broken CSV"),
        (HEAD + "0,99,days,1,[]\n", ":2: latent 99, and the coder of layers.0 has 10"),
        ("layer,unit,description,layer\n0,3,days,0\n", ":1: not PRISM's: the head must name, once each"),
        ("layer,unit,text\n0,3,days\n", "nor PRISM's, with `layer`, `unit` and `description`"),
    ],
)
def test_prism_refuses_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read(write(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD + "0,3,  ,1,[]\n0,3,,,\n", "empty_explanation"),
        (HEAD + "".join(f"0,3,d{i},1,[]\n" for i in range(60)), "too_many_concepts"),
        (HEAD + f"0,3,{'d' * 6000},1,[]\n0,3,{'e' * 6000},1,[]\n", "explanation_too_long"),
        (HEAD + "0,3,a\0b,1,[]\n0,3,c,1,[]\n", "nul_in_explanation"),
    ],
)
def test_prism_unit_without_a_usable_text_is_a_problem(text: str, reason: str, tmp_path: Path) -> None:
    supplied = read(write(tmp_path, text))
    assert not supplied.texts
    assert [(problem.latent, problem.reason) for problem in supplied.problems] == [(3, reason)]


@pytest.mark.parametrize(
    ("concepts", "message"),
    [
        ("5", "concepts are 5; give a list of texts"),
        ('"{"', "concepts are {, which is not JSON"),
        ("[1]", "a concept is 1; it must be a text that is not empty"),
        ('[{"weight": 1}]', "a concept is None; it must be a text"),
        ('[{"text": "a", "weight": "b"}]', "the weight of a concept is b; it must be a number"),
    ],
)
def test_concepts_of_a_table_are_checked(concepts: str, message: str, tmp_path: Path) -> None:
    row = f'{{"index": 1, "explanation": "a", "concepts": {concepts}}}\n'
    with pytest.raises(UserError, match=r":1: ") as caught:
        read(write(tmp_path, row, "mine.jsonl"), key=None)
    assert message in str(caught.value)


def test_concepts_of_a_table_make_the_text_that_lacks(tmp_path: Path) -> None:
    rows = (
        '{"index": 1, "explanation": null, "concepts": ["days", {"text": "months", "weight": 0.5}]}\n'
        '{"index": 2, "explanation": "dates", "concepts": ["days", "months"]}\n'
    )
    texts = read(write(tmp_path, rows, "mine.jsonl"), key=None).texts
    assert [texts[index].text for index in (1, 2)] == ["days; or months", "dates"]
    assert texts[1].concepts == (Concept("days"), Concept("months", 0.5))
