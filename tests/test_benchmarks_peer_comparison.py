"""Figures of the comparison with Delphi, of which nothing is installed here."""

import json

from benchmarks.peer_comparison import FORMS, forms_read, marked_tokens, overlap, share_at_one_place


def test_overlap_is_the_share_of_test_contexts_shown() -> None:
    assert overlap([1, 2, 3], [3, 4, 5, 6]) == 0.25


def test_share_at_one_place_counts_negatives_once() -> None:
    assert share_at_one_place([[24, 24], [24], [3]]) == 2 / 3


def test_marked_tokens_are_those_within_brackets() -> None:
    assert list(marked_tokens("a<< b c>> d<<e>>", ["a", " b", " c", " d", "e"])) == [1, 2, 4]


def test_forms_read_counts_only_right_labels() -> None:
    """Strings are all true to `bool`, so a form that is parsed but misread does not count."""
    names = forms_read(lambda answer: [int(bool(value)) for value in json.loads(answer)])
    assert names == ["as asked", "no spaces", "JSON's booleans"]
    assert len(FORMS) == 9
