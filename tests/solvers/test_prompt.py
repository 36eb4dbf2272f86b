import re
from collections.abc import Sequence
from difflib import ndiff
from typing import Any

import numpy as np
import pytest
from inspect_ai.model import ChatMessage

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.explain import explain_options
from inspect_autointerp.solvers.parse_explanation import read_explanation
from inspect_autointerp.solvers.prompt import Errors, explain_messages, parse_explanation
from inspect_autointerp.solvers.steering_effects import Effect, Raised


def context(tokens: list[str], activations: list[float]) -> Context:
    ends = np.cumsum([len(token) for token in tokens]).tolist()
    spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
    return Context("activating", 0, "".join(tokens), spans, np.array(activations, dtype=np.float32), 1)


def messages_of(*active: Context, **options: Any) -> list[ChatMessage]:
    """The prompt that shows such contexts, and everything else that the options ask for."""
    asked = explain_options(options)
    shown = Gathered(
        active=active if "contexts" in asked.kinds else (),
        silent=[context([" mat"], [0])] if asked.contrastive else (),
        promoted=(" cat", "\n") if "logits" in asked.kinds else (),
        suppressed=("dog",) if "logits" in asked.kinds else (),
        effects=[Effect("The", (Raised(" sea", 0.1, 0.225),))] if "effects" in asked.kinds else (),
    )
    return explain_messages(shown, asked)


def lines_of(messages: Sequence[ChatMessage]) -> list[str]:
    return [f"{message.role}: {line}" for message in messages for line in message.text.splitlines()]


def changes(**options: Any) -> tuple[list[str], list[str]]:
    """The lines that an option takes from the prompt, and those that it puts into it."""
    one, other = (lines_of(messages_of(context([" a", "b"], [1, 0]), **given)) for given in ({}, options))
    compared = list(ndiff(one, other))
    return [line[2:] for line in compared if line[0] == "-"], [line[2:] for line in compared if line[0] == "+"]


def test_prompt_without_activations_lacks_only_their_lists() -> None:
    gone, new = changes(activations=False)
    [intro] = [line for line in gone if line.startswith("system: ")]
    assert [line for line in gone if line != intro] == [line for line in gone if line.startswith("user: Active: ")]
    assert len(gone) - 1 == 3 * 3 + 1, "three of each worked latent, one of the question"
    assert new == [intro.removesuffix(" (the strongest in all examples).").rpartition(" Below each")[0]]


def test_contrastive_adds_silent_texts_and_what_they_mean_and_nothing_else() -> None:
    gone, new = changes(contrastive=1)
    [intro] = gone
    silent = "After the examples come silent texts: they look similar, but the latent is silent on all of their tokens."
    assert new[0] == f"{intro} {silent}"
    assert new[1] == "system: - The explanation must not fit the silent texts."
    shown = [line for line in new[2:] if line != "user: "]
    assert all(line.startswith(("user: Silent text 1: ", "user: Silent text 2: ")) for line in shown)
    assert shown[-1] == "user: Silent text 1:  mat"
    assert len(shown) == 3 * 2 + 1


def test_cot_changes_the_rule_and_the_worked_thoughts_and_nothing_else() -> None:
    gone, new = changes(cot=True)
    assert [line.split(":")[0] for line in gone] == ["system", *["assistant"] * 3]
    assert [line.split(":")[0] for line in new] == ["system"] + ["assistant"] * 9
    assert new[0].startswith("system: - Think first, in three steps")
    assert not [line for line in gone + new if "EXPLANATION" in line]


def test_prompt_for_labels_changes_only_the_length_rule() -> None:
    gone, new = changes(style="label")
    assert len(gone) == len(new) == 1 + 3
    assert new[0].removeprefix("system: - Write a label of two to five words.") == gone[0].removeprefix(
        "system: - Write one short sentence or phrase."
    )
    assert all(line.startswith("assistant: EXPLANATION: ") and len(line.split()[2:]) <= 5 for line in new[1:])


def test_prompt_with_logits_changes_nothing_else() -> None:
    gone, new = changes(evidence="both")
    [look] = gone
    assert f"{look} The tokens that the latent makes more probable are a further clue to what it stands for." in new
    rest = [line for line in new if line not in ("user: ", "system: ") and not line.startswith(look)]
    assert rest[0].startswith("system: You get the tokens that the latent, by itself, makes most probable")
    assert all(line.startswith(("user: Most probable: ", "user: Least probable: ")) for line in rest[1:])
    assert rest[-2:] == ['user: Most probable: " cat", "⏎"', 'user: Least probable: "dog"']


def test_effects_alone_show_no_contexts() -> None:
    # 100 · (0.225 − 0.1) = 12.5 percentage points.
    messages = messages_of(evidence="effects")
    assert messages[-1].text == 'Beginning 1: The\nMore probable: " sea": +12.5'
    everything = "\n".join(message.text for message in messages)
    assert "Example " not in everything
    assert "signs around" not in everything
    assert "was amplified on that token" in messages[0].text


def test_what_was_wrong_is_shown_after_everything_else() -> None:
    # Strengths of all examples are relative to the strongest, 8: ⌈10 · 4 / 8⌉ = 5.
    shown = Gathered(active=[context([" a"], [8])])
    errors = Errors(explanation="x\ny", missed=[context([" b"], [4])], false_alarms=[context([" c"], [0])])
    plain, again = (explain_messages(shown, explain_options({}), mistakes) for mistakes in (None, errors))
    assert again[:-1] == plain[:-1] or [m.text for m in again[:-1]] == [m.text for m in plain[:-1]]
    assert again[-1].text == plain[-1].text + (
        "\n\nAn earlier explanation: x⏎y\n"
        'It misses these examples, in which the latent is active:\n\nExample 2: << b>>\nActive: " b": 5\n\n'
        "It wrongly fits these texts, on which the latent is silent:\n\nSilent text 1:  c\n\n"
        "Write a better explanation, one that is right about these texts and about all the others."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "best"}, "sampling=best: give quantiles or random or top or mix"),
        ({"style": "poem"}, "style=poem: give sentence or label"),
        ({"examples": 0}, "examples must be at least 1, got 0"),
        ({"contrastive": True}, "contrastive=True: must be the number of silent texts to show, for instance 10"),
        ({"contrastive": 3, "evidence": "logits"}, "contrastive=3: contrasting silent texts needs evidence=contexts"),
        ({"evidence": "dreams"}, "evidence=dreams: give contexts, effects, logits"),
        ({"target_kl": 0}, "target_kl=0: must be above 0"),
        ({"exemples": 3}, "exemples=3: unknown option; give one of examples, sampling"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        explain_options(options)


def test_the_question_marks_and_lists_the_activating_tokens() -> None:
    # Of the strongest activation 8: ⌈10 · 8 / 8⌉ = 10, ⌈10 · 3 / 8⌉ = 4; in the second example ⌈10 · 2 / 8⌉ = 3.
    contexts = [context(["if", " x", "\n"], [8, 0, 3]), context([" a", "b"], [0, 2])]
    assert messages_of(*contexts)[-1].text == (
        "Marked tokens stand between << and >>.\n\n"
        'Example 1: <<if>> x<<⏎>>\nActive: "if": 10, "⏎": 4\n\n'
        'Example 2:  a<<b>>\nActive: "b": 3'
    )


def test_what_never_changes_comes_first() -> None:
    one = messages_of(context(["a"], [1]))
    other = messages_of(context(["b << c"], [1]))
    assert [message.text for message in one[:-1]] == [message.text for message in other[:-1]]
    assert [message.role for message in one] == ["system", *["user", "assistant"] * 3, "user"]


def test_the_worked_examples_look_like_the_question() -> None:
    messages = messages_of(context(["a"], [1]))
    for worked, answer in zip(messages[1:-1:2], messages[2:-1:2], strict=True):
        assert worked.text.startswith("Marked tokens stand between << and >>.\n\nExample 1: ")
        assert worked.text.count("\nActive: ") == worked.text.count("Example ")
        assert parse_explanation(answer.text)


def test_delimiters_that_stand_in_the_texts_are_replaced_and_named() -> None:
    question = messages_of(context(["x", " <<", " 3"], [0, 1, 0]))[-1].text
    assert question.startswith("Marked tokens stand between « and ».")
    assert "Example 1: x« <<» 3" in question


def test_no_more_than_ten_tokens_are_listed() -> None:
    question = messages_of(context([f"t{i} " for i in range(14)], [5.0] * 13 + [9]))[-1].text
    listed = question.rsplit("Active: ", 1)[1]
    assert listed.count('": ') == 10
    assert listed.endswith('"t13 ": 10')


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        pytest.param("EXPLANATION: days", "days", id="plain"),
        pytest.param("I think.\nExplanation: days of the week.", "days of the week.", id="after thinking"),
        pytest.param("**EXPLANATION:** days", "days", id="bold"),
        pytest.param("EXPLANATION: no\nwait\nEXPLANATION: days", None, id="two that differ"),
        pytest.param("EXPLANATION: no\nFINAL EXPLANATION: days", "days", id="one is marked as final"),
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


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        # A weak model invents further latents and explains them: real answers of SmolLM2-135M.
        (
            "EXPLANATION: a Japanese film.\n\nA: no\nEXPLANATION: there are no answers\n\nA: no",
            "it holds 2 lines that begin with `EXPLANATION:`, and they differ",
        ),
        ("EXPLANATION: a\nEXPLANATION: b\nEXPLANATION: b\nEXPLANATION: c", "it holds 3 lines that begin with"),
        ("EXPLANATION: days\nWait, no.", "it takes back its explanation without giving another one"),
        ("EXPLANATION: one of these:\n- days\n- months", "its explanation goes on in a list"),
        (f"EXPLANATION: {'x' * 4001}", "its explanation has 4,001 characters, but at most 4,000 are allowed"),
        ("days", "it has no line that begins with `EXPLANATION:` followed by an explanation"),
    ],
)
def test_read_explanation_of_an_unusable_answer_says_why(answer: str, problem: str) -> None:
    with pytest.raises(AnswerError, match=re.escape(problem)):
        read_explanation(answer)


def test_read_explanation_takes_one_line_and_leaves_what_follows() -> None:
    assert read_explanation("EXPLANATION: the colon.\n\nExample 1: for x in y<<:>>\nActive: :") == "the colon."
