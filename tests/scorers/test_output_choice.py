"""Parts of output choice: prompt, lexical grader, answers, statistics."""

from itertools import permutations
from math import isnan

import pytest
from inspect_ai.model import GenerateConfig

from inspect_autointerp.builtin.lexical.choose_steered import choose_steered
from inspect_autointerp.builtin.lexical.provider import LexicalAPI
from inspect_autointerp.builtin.prompt_reader import asked, read_steered
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.scorers.intruder.parse import parse_choice
from inspect_autointerp.scorers.output_choice.prompt import output_choice_messages
from inspect_autointerp.scorers.output_choice.statistics import output_choice_statistics
from inspect_autointerp.scorers.shared.parse_labels import AnswerError

TEXTS = (" the Rhine and the Rhone", " two eggs, beaten", " = 1 + 1")
PROMOTED = ((" Danube", "\n"), (" cup", '"'), ("=", " =="))


def question(explanation: str, texts: tuple[str, ...] = TEXTS, promoted: object = None) -> str:
    return output_choice_messages(explanation, "She went to", texts, promoted)[-1].text  # type: ignore[arg-type]


def test_what_a_question_shows_is_read_back() -> None:
    text = question("rivers")
    assert asked(text) == "choose_steered"
    assert read_steered(text) == ("rivers", [(one,) for one in TEXTS])
    with_tokens = read_steered(question("", promoted=PROMOTED))
    assert with_tokens == ("", [(TEXTS[0], " Danube", "⏎"), (TEXTS[1], " cup", '"'), (TEXTS[2], "=", " ==")])


def test_prompt_begins_alike_and_names_promoted_tokens_if_shown() -> None:
    one, other = output_choice_messages("a", "b", TEXTS), output_choice_messages("c", "d", TEXTS)
    assert one[:-1] == other[:-1]
    shown = output_choice_messages("a", "b", TEXTS, PROMOTED)
    assert all(("Most probable" in message.text) == (message.role != "assistant") for message in shown)
    assert not any("Most probable" in message.text for message in one)


def test_lexical_grader_picks_the_text_with_the_listed_tokens() -> None:
    for texts in permutations(TEXTS):
        number, guess = choose_steered(question('texts with "Rhine" (10), "the" (1)', texts))
        assert (texts[number - 1], guess) == (TEXTS[0], False)
    number, guess = choose_steered(question('texts with "Danube" (10)', promoted=PROMOTED))
    assert (number, guess) == (1, False)


def test_lexical_grader_says_when_it_guesses_and_its_guess_is_read() -> None:
    api = LexicalAPI("lexical")
    guesses: set[str] = set()
    for texts in permutations(TEXTS):
        for explanation in ("", 'texts with "piano" (10)'):
            messages = output_choice_messages(explanation, "She went to", texts)
            answer, _ = api.answer(messages, GenerateConfig())
            assert "guess" in answer
            guesses.add(texts[parse_choice(answer, 3, odd=False) - 1])
    assert len(guesses) == 1, "the place decides nothing"


@pytest.mark.parametrize(
    "answer", ["2", "Text 2", "Text 2 fits the explanation.", "2: it matches", "Answer: 2", "Text 2 was steered"]
)
def test_an_answer_that_names_the_fitting_text_is_read(answer: str) -> None:
    assert parse_choice(answer, 3, odd=False) == 2


@pytest.mark.parametrize("answer", ["Text 2 does not fit.", "2 or 3", "", "Text 2: it does not match the explanation"])
def test_an_answer_that_denies_or_names_two_is_refused(answer: str) -> None:
    with pytest.raises(AnswerError):
        parse_choice(answer, 3, odd=False)


def test_statistics_by_hand() -> None:
    # Own texts picked, not picked, not read; their KLs 1, 2 and 3; foils' 1 and 3.
    rows = [
        Verdict(kind=kind, question=number, label=label, value=value)
        for number, kind, label, value in (
            (0, "steered", 1, 1.0), (0, "foil", 0, 1.0), (1, "foil", 1, 3.0), (1, "steered", 0, 2.0),
            (2, "steered", None, 3.0),
        )
    ]  # fmt: skip
    values = output_choice_statistics(rows)
    assert values == {"picked": 0.5, "kl": 2.0, "kl_foils": 2.0, "unscored": pytest.approx(1 / 3)}
    assert all(map(isnan, output_choice_statistics([]).values()))
