"""Why an answer could not be used, in one word for logs and counts."""

from inspect_ai.model import ModelOutput


def cut_off(output: ModelOutput) -> bool:
    """Whether an answer, which has to be there, did not come to its end.

    A stream that ends early without a word leaves neither a reason nor a count of tokens.
    """
    if output.stop_reason == "unknown":
        return output.usage is None
    return output.stop_reason in ("max_tokens", "model_length")


def unusable(output: ModelOutput) -> str:
    """The reason that an answer without a readable content gets, by why the model stopped.

    Returns:
        `refusal`, `truncated`, or `invalid_response_format` where it stopped by itself.
    """
    if cut_off(output):
        return "truncated"
    return "refusal" if output.stop_reason == "content_filter" else "invalid_response_format"
