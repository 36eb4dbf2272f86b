"""Reasons why an answer could not be used, for logs and counts."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inspect_ai.model import ContentReasoning, ContentText, ModelOutput

from inspect_autointerp.text.render import visible
from inspect_autointerp.text.token_lines import END

INVALID = "invalid_response_format"
"""The reason of an answer that came whole and cannot be read."""
NO_RESPONSE = "no_response"
_DETAIL = 120
"""Characters of a detail at most."""
_DETAILS = 3
"""Details that are counted apart in one score; the others count under the reason alone."""
_ENDS = re.compile(rf"(?:[.!?…。！？)\]}}>\"'”’»`*_|]|\b{END})\s*\Z")


@dataclass(frozen=True)
class Unread:
    """Why an answer is not read at all."""

    reason: str
    """`truncated`, `refusal` or `no_response`."""
    problem: str
    """The same in words for the model."""


def unread(output: ModelOutput, max_tokens: int | None) -> Unread | None:
    """Return why an answer must not be read, and None if it may be.

    This is the one rule for all scores and explainers: an answer that is not complete is never read, because
    its last number may be half a number and its last sentence half a sentence.

    Args:
        output: The answer. There has to be a choice in it.
        max_tokens: The limit on tokens that the model was asked with; None where there was none.
    """
    content = output.message.content
    refused = not isinstance(content, str) and any(isinstance(part, ContentText) and part.refusal for part in content)
    if refused or output.stop_reason == "content_filter":
        return Unread("refusal", "it is a refusal")
    if is_truncated(output, max_tokens):
        return Unread("truncated", "it was cut off")
    if not output.completion.strip():
        return Unread(NO_RESPONSE, "it is empty")
    return None


def is_truncated(output: ModelOutput, max_tokens: int | None) -> bool:
    """Return whether an answer has to be taken for one that was cut off.

    Most providers say so. Of a provider that does not (`hf/` and some servers report the stop reason `unknown`) this
    much can be known:

    - Without a count of tokens it is a stream that ended early: cut off.
    - With fewer output tokens than the limit, nothing was cut off.
    - With as many it may have been. `hf/` gives every answer of a batch the count of the longest, so the count alone
      does not tell. A token is at least a byte of text: an answer with fewer bytes than the limit ended by itself.
      Any other counts as cut off unless its text ends as texts do, with a full stop, a bracket, a quotation mark or the
      word that an answer is asked to end with.
    """
    if output.stop_reason != "unknown":
        return output.stop_reason in ("max_tokens", "model_length")
    if output.usage is None:
        return True
    if max_tokens is None or output.usage.output_tokens < max_tokens:
        return False
    return len(_whole_text(output).encode()) + 1 >= max_tokens and not _ENDS.search(output.completion)


def _whole_text(output: ModelOutput) -> str:
    """All that was generated, with the reasoning before the answer."""
    content = output.message.content
    if isinstance(content, str):
        return content
    reasoning = [part.reasoning for part in content if isinstance(part, ContentReasoning)]
    return "".join([*reasoning, output.completion])


def invalid(problem: str) -> str:
    """Return the reason of an answer that cannot be read, with what is wrong with it, which may quote the answer."""
    text = " ".join(visible(problem).replace("│", "|").split())
    return f"{INVALID}: {text if len(text) <= _DETAIL else text[: _DETAIL - 1] + '…'}"


def main_reason(reason: str) -> str:
    """Return a reason without what `invalid` adds to it."""
    return INVALID if reason.startswith(f"{INVALID}: ") else reason


def counted(reasons: Iterable[str]) -> dict[str, int]:
    """Count reasons, with the commonest details apart.

    However many details there are, a score's metadata holds few.
    """
    counts = Counter(reasons)
    details = [reason for reason, _ in counts.most_common() if main_reason(reason) != reason]
    for reason in details[_DETAILS:]:
        counts[INVALID] += counts.pop(reason)
    return dict(counts)


def by_main_reason(counts: Mapping[str, float]) -> dict[str, float]:
    """Add up counts, or shares, whose reasons differ in their details alone."""
    totals: dict[str, float] = {}
    for reason, count in counts.items():
        totals[main_reason(reason)] = totals.get(main_reason(reason), 0) + count
    return totals
