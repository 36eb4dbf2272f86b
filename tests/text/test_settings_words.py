import pytest

from inspect_autointerp.text.settings_words import label_words, setting_words, short_labels, without_json


def test_label_words_are_not_json() -> None:
    settings = {"contrastive": 10, "activations": False, "evidence": "both", "extra_body": {"top_k": 5}}
    assert label_words("m", settings) == "m · activations=no · contrastive=10 · evidence=both · extra_body.top_k=5"
    assert label_words("m", {}) == "m"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (10, "10"),
        (True, "yes"),
        (None, "none"),
        ("a", ["a"]),
        ([], {}),
        ("a, b", ["a", "b"]),
        ("x · b=2", "x"),
        (1, 1.0),
        (1, True),
    ],
)
def test_setting_words_differ_where_settings_do(one: object, other: object) -> None:
    assert setting_words({"a": one}) != setting_words({"a": other})


def test_without_json_turns_settings_behind_a_name_into_words() -> None:
    assert without_json('m {"temperature": 0.5}, which graded itself') == "m · temperature=0.5, which graded itself"
    assert without_json("m") == "m"
    assert without_json("m {not json}") == "m {not json}"


def test_short_labels_keep_providers_that_tell_models_apart() -> None:
    names = ["a/m · by=words", "b/m", "c/m", "constant"]
    assert short_labels(names) == {"a/m · by=words": "m · by=words", "b/m": "b/m", "c/m": "c/m", "constant": "constant"}
