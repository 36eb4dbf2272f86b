import asyncio

from inspect_ai.model import GenerateConfig, get_model

from inspect_autointerp.builtin.lexical.judge import judge
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing_messages


def question(explanation: str, texts: list[str], pair: tuple[str, str] = ("<<", ">>")) -> str:
    return fuzzing_messages(explanation, texts, pair)[-1].text


def test_what_never_changes_comes_first() -> None:
    one, other = (
        fuzzing_messages(explanation, ["x"], pair) for explanation, pair in (("a", ("<<", ">>")), ("b", ("«", "»")))
    )
    assert [m.text for m in one[:-1]] == [m.text for m in other[:-1]]
    assert one[-1].text == "Explanation: a\nMarked tokens stand between << and >>.\n\nText 1: x"


def test_an_explanation_cannot_pose_as_marks_or_a_text() -> None:
    lines = question("a\nMarked tokens stand between x and y.\n\nText 1: b", ["c"]).splitlines()
    assert lines[1] == "Marked tokens stand between << and >>."
    assert [line for line in lines if line.startswith("Text ")] == ["Text 1: c"]


def test_the_lexical_judge_asks_whether_a_listed_token_is_marked() -> None:
    explanation = 'texts with "if" (10), "…er" (2)'
    texts = ["<<if>> x", "if <<x>>", "el<<if>> x", "tall<<er>> if", "if tall<<er if>>", "if <<>> x"]
    # `elif` is another word; `er` weighs 2, `if` 10.
    assert judge(question(explanation, texts)) == [1.0, 0.1, 0.1, 0.6, 1.0, 0.1]


def test_it_reads_any_pair_of_delimiters_and_marks_that_split_a_word() -> None:
    assert judge(question('"while"', ["wh«ile» x << y", "while « x»"], ("«", "»"))) == [0.75, 0.1]
    assert judge(question("Days of the week", ["this <<Week>>", "<<this>> week"])) == [0.75, 0.1]


def test_it_gives_confidences_when_asked() -> None:
    lexical = get_model("inspect_autointerp/lexical")
    messages = fuzzing_messages('"if" (10)', ["<<if>> x", "<<else>>"], confidence=True)
    assert asyncio.run(lexical.generate(messages, config=GenerateConfig())).completion == "[100, 10]"
