"""Why an answer could not be used, in one word for logs and counts."""

CUT_OFF = ("max_tokens", "model_length")
"""Why a model stopped that did not come to its end."""


def unusable(stop_reason: str) -> str:
    """The reason that an answer without a readable content gets, by why the model stopped.

    Returns:
        `refusal`, `truncated`, or `invalid_response_format` where it stopped by itself.
    """
    if stop_reason in CUT_OFF:
        return "truncated"
    return "refusal" if stop_reason == "content_filter" else "invalid_response_format"
