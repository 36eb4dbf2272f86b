import asyncio
from math import exp

import pytest
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model

from inspect_autointerp.builtin.lexical.explain import explain, occurrences
from inspect_autointerp.builtin.lexical.judge import judge
from inspect_autointerp.builtin.lexical.simulate import simulate
from inspect_autointerp.builtin.prompt_reader import asked
from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.simulation.scorer import simulation_messages
from inspect_autointerp.text.token_lines import as_shown, spelled


def test_the_explainer_lists_what_carries_the_activation() -> None:
    # `if` carries 20 of 25 and always activates, `(` carries 5 and activates in one of its two places: 20 : 2.5.
    question = (
        "Marked tokens stand between << and >>.\n\n"
        'Example 1: <<if>> f<<(>>x):\nActive: "if": 10, "(": 5\n\n'
        'Example 2: el = g(); <<if>> y\nActive: "if": 10'
    )
    assert explain(question) == 'EXPLANATION: texts with "if" (10), "(" (1)'


def test_a_part_of_words_is_listed_as_one() -> None:
    question = (
        'Marked tokens stand between << and >>.\n\nExample 1: tall<<er>> and small<<er>>\nActive: "er": 9, "er": 8'
    )
    assert explain(question) == 'EXPLANATION: texts with "…er" (10)'


def test_without_an_active_token_there_is_no_explanation() -> None:
    assert "EXPLANATION" not in explain("Marked tokens stand between << and >>.\n\nExample 1: a\nActive: ")


def test_words_are_found_as_words_and_parts_as_parts() -> None:
    assert occurrences("if", "elif if iffy") == [5]
    assert occurrences("…er", "er taller error") == [7]
    assert occurrences("):", "f(x): g():") == [3, 8]
    assert occurrences("⏎    ", "a⏎    b") == [1]


def test_the_judge_says_yes_where_a_listed_token_stands() -> None:
    # 0.5 + 0.05 · 10 with `if`, 0.5 + 0.05 · 2 with `while` alone, 0.1 with neither.
    question = 'Explanation: texts with "if" (10), "while" (2)\n\nText 1: if while\nText 2: while True\nText 3: elif'
    assert judge(question) == [1.0, 0.6, 0.1]


def test_an_explanation_in_words_is_read_by_its_words() -> None:
    assert judge("Explanation: days of the Week\n\nText 1: a week ago\nText 2: of the") == [0.75, 0.1]


def test_no_explanation_says_no_to_everything() -> None:
    assert judge("Explanation: (none was given)\n\nText 1: none given\nText 2: b") == [0.1, 0.1]


def ask(config: GenerateConfig, confidence: bool = False):
    lexical = get_model("inspect_autointerp/lexical")
    messages = detection_messages('texts with "if" (10)', ["if x", "else"], confidence)
    return asyncio.run(lexical.generate(messages, config=config))


def test_the_provider_gives_log_probabilities_that_spell_its_answer() -> None:
    output = ask(GenerateConfig(logprobs=True, top_logprobs=5))
    assert output.completion == "[1, 0]"
    assert output.usage is not None
    logprobs = output.choices[0].logprobs
    assert logprobs is not None
    assert "".join(token.token for token in logprobs.content) == "[1, 0]"
    top = logprobs.content[3].top_logprobs
    assert top is not None
    assert round(exp(top[0].logprob), 3) == 0.1


def test_the_provider_gives_confidences_when_asked() -> None:
    assert ask(GenerateConfig(), confidence=True).completion == "[100, 10]"


def test_another_question_is_answered_with_what_is_understood() -> None:
    lexical = get_model("inspect_autointerp/lexical")
    output = asyncio.run(lexical.generate([ChatMessageUser(content="Hello?")]))
    assert "explainer and grader prompts only" in output.completion


SIMULATE = "Explanation: {}\n\nText 1:\n1\tif\n2\t␣if\n3\tf\n4\t␣while\nText 2:\n1\t◌\n2\té\n3\t⏎␣␣\n4\tI\n5\tF"


def test_simulator_expects_a_listed_words_weight() -> None:
    # The text is `if iff while`: the first `if` is one, `iff` is none. `IF` is not `if`.
    explanation = SIMULATE.format('texts with "if" (10), "while" (2), "⏎  " (7)')
    assert simulate(explanation) == [[10, 0, 0, 2], [0, 0, 7, 0, 0]]


def test_an_explanation_in_words_is_simulated_by_its_words_in_any_case() -> None:
    assert simulate(SIMULATE.format("the word if")) == [[5, 0, 0, 0], [0, 0, 0, 5, 5]], "`I`, `F`: two tokens, one word"
    assert simulate("Explanation: the word if\n\nText 1:\n1\tİ\n2\t␣IF") == [[0, 5]], "İ is two characters in small"
    assert simulate(SIMULATE.format("(none was given)")) == [[0] * 4, [0] * 5]


@pytest.mark.parametrize("every", [False, True])
def test_the_provider_answers_a_simulators_prompt_as_it_asks(every: bool) -> None:
    texts = [as_shown(["if", " x", ""]), as_shown([" y"])]
    messages = simulation_messages('texts with "if" (10)', texts, every)
    answer = asyncio.run(get_model("inspect_autointerp/lexical").generate(messages)).completion
    assert answer == spelled(texts, [[10, 0, 0], [0]], every)
    assert ("\t0" in answer) == every


def test_without_strengths_what_is_marked_counts_alike() -> None:
    question = "Marked tokens stand between << and >>.\n\nExample 1: a << cat>> sat\n\nExample 2: the<< cat>> <<ran>>"
    # Marked: cat twice, ran once. Each is a sure sign: 2 and 1, so weights of 10 and 5.
    assert explain(question) == 'EXPLANATION: texts with "cat" (10), "ran" (5)'


def test_a_word_that_stands_in_silent_texts_is_a_poor_sign() -> None:
    question = 'Marked tokens stand between << and >>.\n\nExample 1: << a>><< cat>>\nActive: " a": 5, " cat": 5'
    assert explain(question) == 'EXPLANATION: texts with "a" (10), "cat" (10)'
    # In the silent texts `a` stands three times: 5 · 1 / 4 against 5.
    assert (
        explain(question + "\n\nSilent text 1: a dog\nSilent text 2: a a")
        == 'EXPLANATION: texts with "cat" (10), "a" (2)'
    )


def test_what_becomes_more_probable_is_evidence_too() -> None:
    assert explain('Beginning 1: The\nMore probable: " sea": +12.5, "ing": +5.0') == (
        'EXPLANATION: texts with "sea" (10), "ing" (4)'
    )
    assert explain('Most probable: " sea", " ship"\nLeast probable: "x"') == (
        'EXPLANATION: texts with "sea" (10), "ship" (10)'
    )
    assert asked('Beginning 1: The\nMore probable: " sea": +1.0') == asked('Most probable: "a"') == "explain"
