"""The prompt of intruder. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

_SYSTEM = """\
One latent of a language model is active on some tokens and silent on all others. You get five numbered texts, cut out \
of longer ones, in each of which tokens are marked. In four of them the marked tokens are those on which the latent is \
active. The remaining one does not belong: the latent is silent on it, and its marks mean nothing. The delimiters of \
the marks are named above the texts and are not part of them; ⏎ stands for the end of a line.

Find what the marked tokens of four texts have in common, in themselves or in what stands around them, and the text \
that does not share it. How many tokens are marked, and where in the text, says nothing.

Answer with the number of the text that does not belong, and nothing else."""

_WORKED = (
    (
        (
            "the ferry leaves on <<Tuesday>> at noon",
            "the shop is closed every <<Sunday>>⏎from",
            "and two eggs,⏎well <<beaten>> with sugar",
            "I have not been there since last <<Friday>>",
            "see you on <<Mon>>. or Tue., she wrote",
        ),
        3,
    ),
    (
        (
            "x = rows[1<<:>>3] + rest⏎print(",
            "for row in table<<:>>⏎    total += row",
            "while not done<<:>>⏎    step()⏎⏎    #",
            "if x is None<<:>>⏎        return y",
            "class Reader<<:>>⏎    '''Reads.'''",
        ),
        1,
    ),
)


def intruder_messages(texts: Sequence[str], pair: tuple[str, str] = ("<<", ">>")) -> list[ChatMessage]:
    """The prompt that asks which of five marked texts does not belong.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    return [*_beginning(), ChatMessageUser(content=_question(texts, pair))]


@cache  # the same objects each time, see `detection`
def _beginning() -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for examples, answer in _WORKED:
        messages.append(ChatMessageUser(content=_question(examples, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=str(answer)))
    return messages


def _question(texts: Sequence[str], pair: tuple[str, str]) -> str:
    head = [f"Marked tokens stand between {pair[0]} and {pair[1]}.", ""]
    return "\n".join([*head, *(f"Text {i}: {text}" for i, text in enumerate(texts, 1))])
