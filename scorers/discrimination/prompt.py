"""The prompt of discrimination. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem

from inspect_autointerp.scorers.shared.ask import question_message
from inspect_autointerp.text.prompt_lines import (
    LATENT,
    LINE_BREAK,
    TEXT,
    candidate_line,
    explanation_line,
    marks_line,
    numbered_line,
)

_MARKED = """\
The tokens on which the candidate is active are marked. The line below the explanation names the two signs around \
marked tokens; these signs are not part of the text. """
_WHERE = {True: "to what is marked in its texts", False: "to its texts"}

_SYSTEM = """\
You find the latent that an explanation describes. {latent}

You get an explanation and several numbered candidates. Each candidate is a latent, shown by texts in which it is \
active, each cut from a longer text. {marked}{line_break}

The explanation was written for one of the candidates. The others are other latents of the same model, and may be much \
like it. Find the candidate of which the explanation is true: it applies {where}, and less well to those of the other \
candidates. Ignore how long the texts are and how many tokens are active in them: that tells you nothing.

Answer with the number of that candidate, for example `2`. Write only the number, without explaining it."""

_WORKED = (
    (
        "names of days of the week",
        (
            ("the office opens in <<March>> again", "born in <<July>> of the same year"),
            ("the first <<hour>> of the morning", "took him a <<minute>> to answer"),
            ("the ferry leaves on <<Tuesday>> at noon", "I have not been there since last <<Friday>>"),
        ),
        3,
    ),
    (
        "a colon that opens a block in Python code",
        (
            ("for row in table<<:>>⏎    total += row", "class Reader<<:>>⏎    '''Reads.'''"),
            ("x = rows[1<<:>>3] + rest⏎print(", "last = names[<<:>>-1]⏎"),
            ("he said this<<:>> never again", "Ingredients<<:>> two eggs, sugar"),
        ),
        1,
    ),
)


def discrimination_messages(
    explanation: str, candidates: Sequence[Sequence[str]], pair: tuple[str, str] | None = ("<<", ">>")
) -> list[ChatMessage]:
    """Return the prompt that asks which candidate an explanation describes.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.

    Args:
        explanation: The explanation; empty if none was given.
        candidates: The texts of each candidate, each on one line.
        pair: The delimiters of marked tokens; None where nothing is marked.
    """
    return [*_beginning(pair is not None), question_message(_question(explanation, candidates, pair))]


@cache  # the same objects each time, see `detection`
def _beginning(marks: bool) -> list[ChatMessage]:
    system = _SYSTEM.format(latent=LATENT, line_break=LINE_BREAK, marked=_MARKED if marks else "", where=_WHERE[marks])
    messages: list[ChatMessage] = [ChatMessageSystem(content=system)]
    for explanation, candidates, answer in _WORKED:
        shown = candidates if marks else [[_bare(text) for text in texts] for texts in candidates]
        messages.append(question_message(_question(explanation, shown, ("<<", ">>") if marks else None)))
        messages.append(ChatMessageAssistant(content=str(answer)))
    return messages


def _bare(text: str) -> str:
    return text.replace("<<", "").replace(">>", "")


def _question(explanation: str, candidates: Sequence[Sequence[str]], pair: tuple[str, str] | None) -> str:
    head = [explanation_line(explanation), *([marks_line(pair)] if pair else [])]
    blocks = [
        "\n".join([candidate_line(number), *(numbered_line(TEXT, i, text) for i, text in enumerate(texts, 1))])
        for number, texts in enumerate(candidates, 1)
    ]
    return "\n\n".join(["\n".join(head), *blocks])
