"""Which written texts are copies."""

from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.scorers.generation.copies import uncounted

LONG = "One two, three four five six seven eight nine ten."  # 12 words and signs: five runs of eight


def reason(text: str, *known: str) -> str | None:
    [[why], _] = uncounted([text], [], {"context": known})
    return why


def test_a_copy_is_known_whatever_its_spaces_and_case() -> None:
    assert reason("ONE two,three four\n\nfive six seven eight nine ten .", LONG) == "copy_of_context"
    assert reason("return  Self", "return self") == "copy_of_context"
    assert reason("return self", "x", LONG) is None


def test_what_holds_a_text_or_is_held_by_it_is_a_copy_of_it_unless_short() -> None:
    more = f"{LONG} And then eleven, twelve, thirteen, fourteen, fifteen, sixteen, seventeen, eighteen and nineteen."
    assert reason(more, LONG) == reason(LONG, more) == "copy_of_context"
    assert reason("two, three four five six seven", LONG) is None, "seven words and signs"
    assert reason("two, three four five six seven eight", LONG) == "copy_of_context"


def test_half_of_the_runs_of_eight_make_a_copy() -> None:
    # 12 tokens, runs that begin at 1 to 5. With the last changed, four of five are left; with the tenth, two.
    assert reason(LONG.replace("ten.", "ten!"), LONG) == "copy_of_context"
    assert reason(LONG.replace("nine", "mine"), LONG) is None
    # A thirteenth: six runs. With the eleventh (`ten`) changed, three of six are left.
    assert reason(LONG.replace("ten", "den") + ")", LONG + ")") == "copy_of_context"


def test_between_the_kinds_only_the_very_same_texts_do_not_count() -> None:
    near = LONG.replace("ten.", "ten!")
    assert uncounted([LONG], [near], {}) == ([None], [None])
    assert uncounted([LONG], [LONG, "a"], {}) == (["on_both_sides"], ["on_both_sides", None])
    assert uncounted([LONG], [LONG.upper(), f"{LONG} "], {}) == ([None], [None, "repeated"])
    assert uncounted([LONG, near, "a", "A"], [], {})[0] == [None, "repeated", None, "repeated"]


def test_texts_without_words_and_signs_are_empty() -> None:
    assert uncounted(["", " \n\t"], ["\u2003"], {}) == (["empty", "empty"], ["empty"])


def test_the_first_known_that_is_copied_gives_the_name() -> None:
    known = {"context": ["a b"], "example": ["A b", "c"]}
    assert uncounted(["a B", "C"], [], known)[0] == ["copy_of_context", "copy_of_example"]


@given(st.lists(st.text("ab \n.", max_size=30), max_size=6), st.lists(st.text("ab \n.", max_size=30), max_size=6))
def test_no_two_texts_of_a_kind_that_count_are_the_same(active: list[str], silent: list[str]) -> None:
    reasons = uncounted(active, silent, {})
    for texts, whys in zip((active, silent), reasons, strict=True):
        kept = ["".join(t.split()) for t, why in zip(texts, whys, strict=True) if why is None]
        assert all(kept)
        words = [tuple(t.split()) for t, why in zip(texts, whys, strict=True) if why is None]
        assert len(set(words)) == len(words)
