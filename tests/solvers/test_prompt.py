import numpy as np
import pytest

from inspect_autointerp.latent import Context
from inspect_autointerp.solvers.prompt import explain_messages, parse_explanation


def context(tokens: list[str], activations: list[float]) -> Context:
    ends = np.cumsum([len(token) for token in tokens]).tolist()
    spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
    return Context("activating", 0, "".join(tokens), spans, np.array(activations, dtype=np.float32), 1)


def test_the_question_marks_and_lists_the_activating_tokens() -> None:
    # Of the strongest activation 8: ⌈10 · 8 / 8⌉ = 10, ⌈10 · 3 / 8⌉ = 4; in the second example ⌈10 · 2 / 8⌉ = 3.
    found = [context(["if", " x", "\n"], [8, 0, 3]), context([" a", "b"], [0, 2])]
    assert explain_messages(found)[-1].text == (
        "Active tokens stand between << and >>.\n\n"
        'Example 1: <<if>> x<<⏎>>\nActive: "if": 10, "⏎": 4\n\n'
        'Example 2:  a<<b>>\nActive: "b": 3'
    )


def test_what_never_changes_comes_first() -> None:
    one = explain_messages([context(["a"], [1])])
    other = explain_messages([context(["b << c"], [1])])
    assert [message.text for message in one[:-1]] == [message.text for message in other[:-1]]
    assert [message.role for message in one] == ["system", *["user", "assistant"] * 3, "user"]


def test_the_worked_examples_look_like_the_question() -> None:
    messages = explain_messages([context(["a"], [1])])
    for worked, answer in zip(messages[1:-1:2], messages[2:-1:2], strict=True):
        assert worked.text.startswith("Active tokens stand between << and >>.\n\nExample 1: ")
        assert worked.text.count("\nActive: ") == worked.text.count("Example ")
        assert parse_explanation(answer.text)


def test_delimiters_that_stand_in_the_texts_are_replaced_and_named() -> None:
    question = explain_messages([context(["x", " <<", " 3"], [0, 1, 0])])[-1].text
    assert question.startswith("Active tokens stand between « and ».")
    assert "Example 1: x« <<» 3" in question


def test_no_more_than_ten_tokens_are_listed() -> None:
    question = explain_messages([context([f"t{i} " for i in range(14)], [5.0] * 13 + [9])])[-1].text
    listed = question.rsplit("Active: ", 1)[1]
    assert listed.count('": ') == 10
    assert listed.endswith('"t13 ": 10')


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        pytest.param("EXPLANATION: days", "days", id="plain"),
        pytest.param("I think.\nExplanation: days of the week.", "days of the week.", id="after thinking"),
        pytest.param("**EXPLANATION:** days", "days", id="bold"),
        pytest.param("EXPLANATION: no\nwait\nEXPLANATION: days", "days", id="the last counts"),
        pytest.param("EXPLANATION: a: b", "a: b", id="with a colon"),
        pytest.param("the explanation: none of this", None, id="in a sentence"),
        pytest.param("EXPLANATION:", None, id="empty"),
        pytest.param("EXPLANATION: <your explanation>", None, id="the template"),
        pytest.param("days of the week", None, id="no tag"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_explanation_is_read_or_missing_and_never_guessed(answer: str, explanation: str | None) -> None:
    assert parse_explanation(answer) == explanation
