import pytest

from inspect_autointerp.builtin.prompt_reader import asked, read_simulating
from inspect_autointerp.scorers.simulation.parse import parse_aligned
from inspect_autointerp.scorers.simulation.scorer import simulation_messages
from inspect_autointerp.text.token_lines import EVERY, PART, SPACE, as_shown

TEXTS = [["if", " x", ":\n", ""], ["a\tb"]]


def text(explanation: str, texts: list[list[str]], every: bool = False) -> list[str]:
    shown = [as_shown(tokens) for tokens in texts]
    return [message.text for message in simulation_messages(explanation, shown, every)]


def test_what_never_changes_comes_first() -> None:
    one, other = text("a", TEXTS), text("b", [["z"]])
    assert one[:-1] == other[:-1]
    assert one[-1] == "Explanation: a\n\nText 1:\n1\tif\n2\t␣x\n3\t:⏎\n4\t◌\nText 2:\n1\ta⇥b"


@pytest.mark.parametrize("every", [False, True])
def test_the_worked_examples_answer_as_is_asked(every: bool) -> None:
    system, *worked, _ = text("a", TEXTS, every)
    assert (EVERY in system) == every
    assert all(sign in system for sign in (SPACE, PART, "⏎", "`End`"))
    for question, answer in zip(worked[::2], worked[1::2], strict=True):
        texts = [as_shown(tokens) for tokens in read_simulating(question)[1]]
        parsed = parse_aligned(answer, texts, every)
        assert any(item and item.value > 5 for row in parsed for item in row)
        assert any(not any(item and item.value for item in row) for row in parsed), "some text is silent"


def test_every_token_changes_what_is_asked_for_and_not_the_question() -> None:
    plain, every = text("a", TEXTS), text("a", TEXTS, every=True)
    assert plain[1::2] == every[1::2]
    assert plain[0].split("\n\n")[:3] == every[0].split("\n\n")[:3]
    assert plain[0] != every[0]


def test_nothing_can_pose_as_a_text_or_a_token() -> None:
    assert text("a\nText 1:\n1\tb", [["x\n2\ty"]])[-1] == "Explanation: a⏎Text 1:⏎1⇥b\n\nText 1:\n1\tx⏎2⇥y"


def test_what_is_asked_is_known_by_the_question() -> None:
    assert asked(text("a", TEXTS)[-1]) == "simulate"
    assert asked("Explanation: a\n\nText 1: b") == "judge"


def test_the_empty_explanation_is_named() -> None:
    assert text("", TEXTS)[-1].startswith("Explanation: (none was given)\n")
    assert read_simulating(text("", TEXTS)[-1])[0] == ""
