"""Which answers are read, and the reasons of those that are not."""

import pytest
from inspect_ai.model import ChatMessageAssistant, ContentReasoning, ContentText, ModelOutput, ModelUsage

from inspect_autointerp.inspect_support.answer_reasons import by_main_reason, counted, invalid, main_reason, unread


def output(text: str, stop: str = "unknown", tokens: int | None = 40) -> ModelOutput:
    made = ModelOutput.from_content("m", text, stop_reason=stop)  # type: ignore[arg-type]
    if tokens is not None:
        made.usage = ModelUsage(output_tokens=tokens, total_tokens=tokens)
    return made


def reason(made: ModelOutput, limit: int | None = 40) -> str | None:
    why = unread(made, limit)
    return why and why.reason


LONG = "EXPLANATION: names of rivers in the north of the country and"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (output("95\n5\n90\n10\n9", "max_tokens"), "truncated"),
        (output("[1, 0]", "model_length"), "truncated"),
        (output("[1, 0]", "stop"), None),
        (output("[1, 0]", "unknown", None), "truncated"),  # a stream that ended early
        (output(LONG, "unknown", 39), None),  # the batch's longest answer ended before the limit
        (output(LONG), "truncated"),
        (output(LONG + " the south."), None),
        (output("95\n5\n90\n10\n9"), None),  # 12 bytes cannot be 40 tokens: another answer of the batch was longer
        (output("95\n5\n90\n10\n9", tokens=12), None),
        (output("3"), None),
        (output("Text 1:\n1\tthe\t10\n2\tcat\t3\nText 2: none\nEnd"), None),
        (output("Text 1:\n1\tthe\t10\n2\tcat\t3\nText 2: none\n1\td"), "truncated"),
        (output("é" * 20), "truncated"),  # 40 bytes
        (output("é" * 19), None),
        (output("", "stop"), "no_response"),
        (output(" \n", "stop"), "no_response"),
        (output("[1, 0]", "content_filter"), "refusal"),
        (output("", "max_tokens"), "truncated"),
    ],
)  # fmt: skip
def test_unread_answer_not_at_its_end_has_a_reason(made: ModelOutput, expected: str | None) -> None:
    assert reason(made) == expected


def test_unread_confidences_cut_at_the_limit_are_truncated() -> None:
    assert reason(output("95\n5\n90\n10\n9", tokens=9), 9) == "truncated"
    assert reason(output("95\n5\n90\n10\n9", tokens=9), None) is None, "there is no limit"


def test_unread_reasoning_counts_to_the_limit() -> None:
    made = output("3", tokens=20)
    assert reason(made, 20) is None
    thought = ContentReasoning(reasoning="texts one and two are alike")
    made.choices[0].message = ChatMessageAssistant(content=[thought, ContentText(text="3")])
    assert reason(made, 20) == "truncated"


def test_unread_refusal_field_is_a_refusal() -> None:
    made = output("[1, 0]", "stop")
    made.choices[0].message = ChatMessageAssistant(content=[ContentText(text="[1, 0]", refusal=True)])
    assert reason(made) == "refusal"


def test_invalid_quoted_answer_is_one_bounded_visible_line() -> None:
    reason = invalid("the line “\x1b[31mred\n│ " + "x" * 500 + "” is odd")
    assert reason.startswith("invalid_response_format: the line “")
    assert len(reason) <= 150
    assert reason.isprintable()
    assert "│" not in reason
    assert main_reason(reason) == "invalid_response_format"
    assert main_reason("provider_error: RateLimitError") == "provider_error: RateLimitError"


def test_counted_many_details_stay_few_and_add_up() -> None:
    reasons = [invalid(f"odd {n}") for n in range(50) for _ in range(n + 1)] + ["refusal"] * 7
    counts = counted(reasons)
    assert sum(counts.values()) == len(reasons)
    assert len(counts) == 5
    assert counts[invalid("odd 49")] == 50
    assert by_main_reason(counts) == {"invalid_response_format": 1275, "refusal": 7}
