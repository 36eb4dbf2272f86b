"""Tests of the grader's questions, of how its answers are scored, and of what a reader of the log sees."""

from math import isnan

import numpy as np

from inspect_autointerp.builtin.lexical.intruder import intruder as by_words
from inspect_autointerp.builtin.planted.oracle import odd_one_out
from inspect_autointerp.builtin.prompt_reader import asked, read_lineup
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.fuzzing.marks import Marked
from inspect_autointerp.scorers.intruder.lineups import Lineup
from inspect_autointerp.scorers.intruder.prompt import intruder_messages
from inspect_autointerp.scorers.intruder.scorer import report_lineups
from inspect_autointerp.scorers.intruder.statistics import KEYS, intruder_statistics
from inspect_autointerp.scorers.shared.ask import Reply

TEXTS = ["a <<red>> hat", "two <<blue>> hats", "<<Red>> and <<blue>>", "a <<blue>> one", "<<hats>> in red"]


def lineup(place: int, decile: int) -> Lineup:
    """Five texts of two tokens; the intruder of latent 77."""

    def test(i: int) -> Marked:
        spans = ((0, 4), (4, 6))
        if i == place:
            return Marked(Context("intruder", i, "text i", spans, np.zeros(2), neighbour=77), np.array([False, True]))
        context = Context("activating", i, f"text {i}", spans, np.array([0.0, 1.0]), decile)
        return Marked(context, np.array([False, True]))

    return Lineup(tuple(test(i) for i in range(5)), place, decile)


def statistics(made: list[Lineup], named: list[int | None]) -> dict[str, float]:
    rows = [
        Verdict(
            kind=one.context.kind, decile=one.context.decile, question=number,
            label=None if place is None else int(i == place),
        )
        for number, (question, place) in enumerate(zip(made, named, strict=True))
        for i, one in enumerate(question.tests)
    ]  # fmt: skip
    return intruder_statistics(rows)


def test_intruder_prompt_has_a_constant_beginning() -> None:
    one, other = (intruder_messages(texts) for texts in (TEXTS, TEXTS[::-1]))
    assert [message.text for message in one[:-1]] == [message.text for message in other[:-1]]
    head, texts = one[-1].text.split("\n\n")
    assert head == "Marked tokens stand between << and >>."
    assert texts.splitlines() == [f"Text {i}: {text}" for i, text in enumerate(TEXTS, 1)]
    assert asked(one[-1].text) == "intruder"
    assert read_lineup(one[-1].text)[2] == ("Red and blue", {0, 1, 2, 8, 9, 10, 11})


def test_every_worked_text_has_one_mark() -> None:
    messages = intruder_messages(TEXTS)
    assert [message.text for message in messages[2:-1:2]] == ["3", "1"]
    for question in messages[1:-1:2]:
        assert question.text.split("\n\n")[1].count("<<") == 5


def test_statistics_are_shares_of_what_is_scored() -> None:
    # Decile 1: one of two found, one unscored. Decile 9: found. In all 2 of 3, and 1 of 4 unscored.
    made = [lineup(0, 1), lineup(4, 1), lineup(2, 1), lineup(3, 9)]
    values = statistics(made, [0, 3, None, 3])
    assert list(values) == KEYS
    assert values["accuracy"] == 2 / 3
    assert values["unscored"] == 1 / 4
    assert values["accuracy_decile_1"] == 1 / 2
    assert values["accuracy_decile_9"] == 1
    assert all(isnan(values[f"accuracy_decile_{i}"]) for i in (2, 3, 4, 5, 6, 7, 8, 10))


def test_nothing_scored_is_undefined() -> None:
    values = statistics([lineup(0, 1)], [None])
    assert isnan(values["accuracy"])
    assert values["unscored"] == 1


def test_the_report_begins_with_what_was_wrong_and_names_the_intruder() -> None:
    made = [lineup(0, 1), lineup(4, 2), lineup(2, 10), lineup(1, 9)]
    replies = [Reply(0), Reply(1), Reply(None, "refusal"), Reply(2)]
    lines = [line.split("\u200b\x1b[0m")[1] for line in report_lineups(made, replies, ("<<", ">>")).splitlines()]
    heads = [line for line in lines if " of 4" in line or "decile" in line]
    assert heads == [
        "WRONG · another text was named than the intruder: 2 of 4",
        "  decile 9 · the intruder is 2, of latent 77 · 3 was named",
        "  decile 2 · the intruder is 5, of latent 77 · 2 was named",
        "UNSCORED: 1 of 4",
        "  decile 10 · the intruder is 3, of latent 77 · refusal",
        "RIGHT · the intruder was named: 1 of 4",
        "  decile 1 · the intruder is 1, of latent 77 · 1 was named",
    ]
    at = lines.index(heads[1])
    assert "  ▸ 2 │ text<< i>>" in lines[at + 2]
    assert lines[at + 3].startswith("    3 │ text<<\x1b")


def test_lexical_grader_names_the_least_shared_text() -> None:
    # red: shared with the third; blue: with two; `hats` is marked in the fifth alone.
    assert by_words(intruder_messages(TEXTS)[-1].text) == 5
    assert by_words(intruder_messages(TEXTS[::-1])[-1].text) == 1
    spaces = ["a<< >>b", "c<<  >>d", "e<< f>>", "g<< >>h", "i<< >>"]
    assert by_words(intruder_messages(spaces)[-1].text) == 3


def test_of_texts_that_share_equally_little_the_place_does_not_decide() -> None:
    texts = [f"<<{word}>> here" for word in ("one", "two", "three", "four", "five")]
    orders = [texts, texts[::-1], texts[2:] + texts[:2]]
    assert len({order[by_words(intruder_messages(order)[-1].text) - 1] for order in orders}) == 1


def test_the_oracle_names_the_text_that_a_planted_latent_leaves_out() -> None:
    lines = ["not <<ready>> yet", "was not <<sure>>", "is not <<late>>", "never <<late>>", "not <<alone>>"]
    passages = read_lineup(intruder_messages(lines)[-1].text)
    assert odd_one_out(passages) == 3, "`not` leaves it out; `not or never` leaves none out"
    assert odd_one_out(passages, error_rate=1.0) in {0, 1, 2, 4}
    nonsense = [f"<<{word}>>" for word in ("ab", "cd", "ef", "gh", "ij")]
    assert odd_one_out(read_lineup(intruder_messages(nonsense)[-1].text)) is None
