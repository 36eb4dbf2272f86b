"""Why an answer could not be used, in one word for logs and counts."""


def unusable(stop_reason: str) -> str:
    """The reason that an answer without a readable content gets, by why the model stopped.

    Returns:
        `refusal`, `truncated`, or `invalid_response_format` where it stopped by itself.
    """
    return {"content_filter": "refusal", "max_tokens": "truncated"}.get(stop_reason, "invalid_response_format")
