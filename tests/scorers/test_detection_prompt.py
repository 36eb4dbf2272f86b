from inspect_autointerp.scorers.detection.scorer import detection_messages


def text(explanation: str, texts: list[str], confidence: bool = False) -> list[str]:
    return [message.text for message in detection_messages(explanation, texts, confidence)]


def test_what_never_changes_comes_first() -> None:
    one, other = text("a", ["x", "y"]), text("b", ["z"])
    assert one[:-1] == other[:-1]
    assert one[-1] == "Explanation: a\n\nText 1: x\nText 2: y"


def test_confidence_changes_what_is_asked_for_and_not_the_question() -> None:
    plain, sure = text("a", ["x"]), text("a", ["x"], confidence=True)
    assert "0 (silent) and 1 (active)" in plain[0]
    assert "from 0 (surely silent) to 100 (surely active)" in sure[0]
    assert plain[1::2] == sure[1::2]


def test_an_explanation_cannot_pose_as_a_text() -> None:
    assert text("a\nText 1: b", ["x"])[-1] == "Explanation: a⏎Text 1: b\n\nText 1: x"


def test_the_empty_explanation_is_named() -> None:
    assert text("", ["x"])[-1].startswith("Explanation: (none was given)\n")
